package main

import "strings"

// A row is a group of panels.
type row struct {
	title  string
	panels []panel
}

// rows has the whole dashboard. In its queries, [S] stands for the labels that select a bot, [H]
// for those that select shards too, and [R] for the range of rates.
func rows() []row {
	all := []row{fleet(), health(), gateway(), handlers(), interactions(), rest(), caches(), process()}
	short := strings.NewReplacer(
		"[S]", `{job=~"$job",instance=~"$instance"}`,
		"[S,", `{job=~"$job",instance=~"$instance",`,
		"[H]", `{job=~"$job",instance=~"$instance",shard=~"$shard"}`,
		"[H,", `{job=~"$job",instance=~"$instance",shard=~"$shard",`,
		",]", "}", "[R]", "[$__rate_interval]")
	for _, r := range all {
		for _, p := range r.panels {
			for i := range p.queries {
				p.queries[i].expr = short.Replace(p.queries[i].expr)
			}
		}
	}
	return all
}

func fleet() row {
	return row{"Fleet", []panel{
		{title: "Shards that are not ready", kind: "stat", limit: 1, queries: []query{
			{"sum(discord_shards_configured[S]) - sum(discord_shards_ready[S])", ""}}},
		{title: "Guilds", kind: "timeseries", queries: []query{
			{"sum(discord_shard_guilds[S])", "available"},
			{"sum(discord_shard_unavailable_guilds[S])", "unavailable"}}},
		{title: "Users", about: "Who is in two guilds counts twice.", kind: "stat", queries: []query{
			{"sum(discord_users[S])", ""}}},
		{title: "Up since", kind: "stat", unit: "dateTimeFromNow", queries: []query{
			{"1000 * min(discord_start_time_seconds[S])", ""}}},
		{title: "IDENTIFYs left today", about: "When they are used up, no lost session can be replaced.",
			kind: "stat", limit: 200, low: true, queries: []query{
				{"min(discord_session_starts_remaining[S])", ""}}},
		{title: "State of the shards", kind: "state-timeline", queries: []query{
			{"discord_shard_up[H]", "{{instance}} shard {{shard}}"}}},
		{title: "Shards by state", kind: "timeseries", queries: []query{
			{"sum by (state) (discord_shards[S])", "{{state}}"}}},
		{title: "Sessions begun and resumed", kind: "timeseries", queries: []query{
			{"sum by (kind) (increase(discord_shard_connects_total[H][R]))", "{{kind}}"}}},
		{title: "Wait to identify, p99", kind: "timeseries", unit: "s", queries: []query{
			{"histogram_quantile(0.99, sum by (le) (rate(discord_identify_wait_seconds_bucket[S][R])))", "p99"}}},
		{title: "Versions", kind: "bargauge", queries: []query{
			{"count by (botwright, discordgo, go) (discord_build_info[S])",
				"botwright {{botwright}}, discordgo {{discordgo}}, {{go}}"}}},
	}}
}

func gateway() row {
	return row{"Gateway", []panel{
		{title: "Events by type", kind: "timeseries", unit: "reqps", queries: []query{
			{"sum by (event) (rate(discord_gateway_events_total[S][R])) > 0", "{{event}}"}}},
		{title: "Events by shard", kind: "timeseries", unit: "reqps", queries: []query{
			{"sum by (shard) (rate(discord_gateway_shard_events_total[H][R]))", "shard {{shard}}"}}},
		{title: "Latency", about: "From a heartbeat to its acknowledgement.", kind: "timeseries",
			unit: "s", limit: 0.5, queries: []query{
				{"discord_shard_latency_seconds[H]", "shard {{shard}}"}}},
		{title: "Connections lost", kind: "timeseries", queries: []query{
			{"sum by (shard) (increase(discord_shard_losses_total[H][R]))", "shard {{shard}}"},
			{"sum(increase(discord_shard_failed_dials_total[H][R]))", "failed dials"}}},
		{title: "Disconnects by code", kind: "timeseries", queries: []query{
			{"sum by (code) (increase(discord_gateway_disconnects_total[S][R]))", "{{code}}"}}},
		{title: "Time since the last event", kind: "timeseries", unit: "s", queries: []query{
			{"time() - discord_shard_last_event_timestamp_seconds[H]", "shard {{shard}}"}}},
		{title: "Time since the last heartbeat ACK", kind: "timeseries", unit: "s", limit: 120,
			queries: []query{
				{"time() - discord_shard_last_heartbeat_ack_timestamp_seconds[H]", "shard {{shard}}"}}},
		{title: "Commands sent", about: "Discord allows 120 a minute and shard.", kind: "timeseries",
			unit: "reqps", queries: []query{
				{"sum by (op) (rate(discord_gateway_commands_total[S][R]))", "{{op}}"},
				{"sum(rate(discord_gateway_commands_throttled_total[S][R]))", "held back"}}},
		{title: "Malformed frames", kind: "timeseries", limit: 1, queries: []query{
			{"sum(increase(discord_gateway_malformed_total[S][R]))", "frames"}}},
	}}
}

func handlers() row {
	return row{"Handlers", []panel{
		{title: "Calls", kind: "timeseries", unit: "reqps", queries: []query{
			{"sum by (handler) (rate(discord_handler_duration_seconds_count[S][R]))", "{{handler}}"}}},
		{title: "Duration, p50, p95 and p99", kind: "timeseries", unit: "s", queries: []query{
			{"histogram_quantile(0.5, sum by (le) (rate(discord_handler_duration_seconds_bucket[S][R])))", "p50"},
			{"histogram_quantile(0.95, sum by (le) (rate(discord_handler_duration_seconds_bucket[S][R])))", "p95"},
			{"histogram_quantile(0.99, sum by (le) (rate(discord_handler_duration_seconds_bucket[S][R])))", "p99"}}},
		{title: "Duration by handler, p99", kind: "timeseries", unit: "s", limit: 3, queries: []query{
			{"histogram_quantile(0.99, sum by (handler, le) (rate(discord_handler_duration_seconds_bucket[S][R])))",
				"{{handler}}"}}},
		{title: "Errors", kind: "timeseries", unit: "reqps", queries: []query{
			{"sum by (handler, kind) (rate(discord_handler_errors_total[S][R]))", "{{handler}}: {{kind}}"}}},
		{title: "Wait for a handler, p99", kind: "timeseries", unit: "s", queries: []query{
			{"histogram_quantile(0.99, sum by (handler, le) (rate(discord_handler_queue_wait_seconds_bucket[S][R])))",
				"{{handler}}"}}},
		{title: "Queue", kind: "timeseries", queries: []query{
			{"sum(discord_handler_queue_depth[S])", "waiting"},
			{"sum(discord_handler_inflight[S])", "running"},
			{"sum(discord_handler_max_inflight[S])", "may run"}}},
		{title: "How full the queue is", kind: "timeseries", unit: "percentunit", limit: 0.8, queries: []query{
			{"(discord_handler_queue_depth[S] + discord_handler_inflight[S]) / discord_handler_queue_max_events[S]",
				"{{instance}} events"},
			{"discord_handler_queue_bytes[S] / discord_handler_queue_max_bytes[S]", "{{instance}} bytes"}}},
		{title: "Oldest event that waits", kind: "timeseries", unit: "s", limit: 30, queries: []query{
			{"max by (instance) (discord_handler_queue_oldest_seconds[S])", "{{instance}}"}}},
		{title: "Overload", kind: "timeseries", unit: "reqps", queries: []query{
			{"sum(rate(discord_handler_dropped_total[S][R]))", "dropped"},
			{"sum(rate(discord_handler_queue_blocked_total[S][R]))", "reading stopped"}}},
		{title: "Debounced", kind: "timeseries", unit: "reqps", queries: []query{
			{"sum by (name) (rate(discord_debounce_calls_total[S][R]))", "{{name}}: triggers"},
			{"sum by (name) (rate(discord_debounce_fires_total[S][R]))", "{{name}}: runs"}}},
	}}
}

func interactions() row {
	return row{"Interactions", []panel{
		{title: "Outcome", kind: "timeseries", unit: "reqps", queries: []query{
			{"sum by (outcome) (rate(discord_interactions_total[S][R]))", "{{outcome}}"}}},
		{title: "Time to the first answer, p99", about: "Discord gives 3 s.", kind: "timeseries",
			unit: "s", limit: 3, queries: []query{
				{"histogram_quantile(0.99, sum by (command, le) (rate(discord_interaction_ack_seconds_bucket[S][R])))",
					"/{{command}}"}}},
		{title: "By command", kind: "timeseries", unit: "reqps", queries: []query{
			{"sum by (type, command) (rate(discord_interactions_total[S][R]))", "{{type}} {{command}}"}}},
	}}
}

func rest() row {
	return row{"REST", []panel{
		{title: "Requests by status", kind: "timeseries", unit: "reqps", queries: []query{
			{"sum by (status) (rate(discord_rest_requests_total[S][R]))", "{{status}}"}}},
		{title: "Requests by route", kind: "timeseries", unit: "reqps", queries: []query{
			{"sum by (method, route) (rate(discord_rest_requests_total[S][R]))", "{{method}} {{route}}"}}},
		{title: "Latency by route, p95", kind: "timeseries", unit: "s", queries: []query{
			{"histogram_quantile(0.95, sum by (method, route, le) " +
				"(rate(discord_rest_request_duration_seconds_bucket[S][R])))", "{{method}} {{route}}"}}},
		{title: "429 by scope", about: "shared is not the bot's fault; cloudflare blocks the host.",
			kind: "timeseries", unit: "reqps", queries: []query{
				{"sum by (scope, route) (rate(discord_rest_ratelimited_total[S][R]))", "{{scope}} {{route}}"}}},
		{title: "Invalid requests in 10 minutes", about: "At 10,000 Discord blocks the host.",
			kind: "timeseries", limit: 7000, queries: []query{
				{"sum by (instance, reason) (increase(discord_rest_invalid_requests_total[S][10m]))",
					"{{instance}} {{reason}}"}}},
		{title: "Waiting for a rate limit, and in flight", kind: "timeseries", queries: []query{
			{"sum by (instance) (discord_rest_waiting[S])", "{{instance}}: waiting"},
			{"sum by (instance) (discord_rest_inflight[S])", "{{instance}}: in flight"},
			{"sum by (instance) (discord_rest_global_tokens[S])", "{{instance}}: allowed at once"}}},
		{title: "Wait for rate limits by route, p95", about: "Of the requests that had to wait.",
			kind: "timeseries", unit: "s", queries: []query{
				{"histogram_quantile(0.95, sum by (method, route, le) " +
					"(rate(discord_rest_ratelimit_wait_seconds_bucket[S][R])))", "{{method}} {{route}}"}}},
	}}
}

func caches() row {
	return row{"Caches", []panel{
		{title: "Hits", kind: "timeseries", unit: "percentunit", queries: []query{
			{`sum by (cache) (rate(discord_cache_requests_total[S,result="hit",][R])) / ` +
				"sum by (cache) (rate(discord_cache_requests_total[S][R]))", "{{cache}}"}}},
		{title: "Entries", kind: "timeseries", queries: []query{
			{"sum by (cache) (discord_cache_entries[S])", "{{cache}}"},
			{"sum by (cache) (discord_cache_max_entries[S])", "{{cache}}: room"}}},
		{title: "Evictions", kind: "timeseries", unit: "reqps", queries: []query{
			{"sum by (cache, reason) (rate(discord_cache_evictions_total[S][R]))", "{{cache}}: {{reason}}"}}},
		{title: "State", kind: "timeseries", queries: []query{
			{"sum by (kind) (discord_state_entries[S])", "{{kind}}"}}},
		{title: "Given up by State", kind: "timeseries", unit: "reqps", queries: []query{
			{"sum by (reason) (rate(discord_state_removed_total[S][R]))", "{{reason}}"}}},
		{title: "Shrunk for want of memory", kind: "timeseries", queries: []query{
			{"sum by (instance) (increase(discord_memory_shrinks_total[S][R]))", "{{instance}}"}}},
	}}
}

func health() row {
	return row{"Health", []panel{
		{title: "Checks", about: "1 healthy, 0.5 degraded, 0 unhealthy.", kind: "state-timeline", queries: []query{
			{"min by (check) (discord_health_check_status[S])", "{{check}}"}}},
		{title: "Time that checks take", kind: "timeseries", unit: "s", queries: []query{
			{"max by (check) (discord_health_check_duration_seconds[S])", "{{check}}"}}},
		{title: "Writes that failed", kind: "timeseries", limit: 1, queries: []query{
			{"sum by (store) (increase(discord_storage_failures_total[S][R]))", "{{store}}"}}},
		{title: "Alerts", kind: "timeseries", queries: []query{
			{"sum by (sink, outcome) (increase(discord_alerts_sent_total[S][R]))", "{{sink}}: {{outcome}}"}}},
	}}
}

func process() row {
	return row{"Process", []panel{
		{title: "Memory", kind: "timeseries", unit: "bytes", queries: []query{
			{"discord_resource_rss_bytes[S]", "{{instance}} RSS"},
			{"discord_resource_memory_used_bytes[S]", "{{instance}} counts against the limit"},
			{"discord_resource_live_bytes[S]", "{{instance}} live heap"},
			{"discord_resource_go_bytes[S]", "{{instance}} Go"},
			{"discord_resource_memory_limit_bytes[S]", "{{instance}} limit"}}},
		{title: "CPU", about: "Of one CPU.", kind: "timeseries", unit: "percentunit", queries: []query{
			{"sum by (instance, mode) (rate(discord_resource_cpu_seconds_total[S][R]))", "{{instance}} {{mode}}"}}},
		{title: "Goroutines", kind: "timeseries", queries: []query{
			{"discord_resource_goroutines[S]", "{{instance}}"}}},
		{title: "Garbage collections", kind: "timeseries", unit: "reqps", queries: []query{
			{"rate(discord_resource_gc_cycles_total[S][R])", "{{instance}}"}}},
		{title: "Time stopped for them", kind: "timeseries", unit: "percentunit", queries: []query{
			{"rate(discord_resource_gc_pause_seconds_total[S][R])", "{{instance}}"}}},
		{title: "Metrics that could not be collected", kind: "timeseries", limit: 1, queries: []query{
			{"sum by (hook) (increase(discord_instrumentation_errors_total[S][R]))", "{{hook}}"}}},
	}}
}
