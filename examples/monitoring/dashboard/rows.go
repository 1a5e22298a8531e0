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
	all := []row{fleet(), gateway(), handlers(), interactions(), rest(), caches(), goRuntime()}
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
		{title: "IDENTIFYs left today", about: "When they are used up, no lost session can be replaced.",
			kind: "stat", limit: 200, low: true, queries: []query{
				{"min(discord_session_starts_remaining[S])", ""}}},
		{title: "State of the shards", kind: "state-timeline", queries: []query{
			{"discord_shard_up[H]", "{{instance}} shard {{shard}}"}}},
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
		{title: "Disconnects by code", kind: "timeseries", queries: []query{
			{"sum by (code) (increase(discord_shard_disconnects_total[H][R])) > 0", "{{code}}"}}},
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
			{"sum by (handler, kind) (rate(discord_handler_errors_total[S][R])) > 0", "{{handler}}: {{kind}}"}}},
		{title: "Wait for a handler, p99", kind: "timeseries", unit: "s", queries: []query{
			{"histogram_quantile(0.99, sum by (handler, le) (rate(discord_handler_queue_wait_seconds_bucket[S][R])))",
				"{{handler}}"}}},
		{title: "Queue", kind: "timeseries", queries: []query{
			{"sum(discord_handler_queue_depth[S])", "waiting"},
			{"sum(discord_handler_inflight[S])", "running"}}},
		{title: "Size of the queue", kind: "timeseries", unit: "bytes", queries: []query{
			{"sum(discord_handler_queue_bytes[S])", "payloads"}}},
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
				{`sum by (instance) (increase(discord_rest_requests_total[S,status=~"401|403",][10m]) or ` +
					`increase(discord_rest_ratelimited_total[S,scope!="shared",][10m]))`, "{{instance}}"}}},
		{title: "In flight", kind: "timeseries", queries: []query{
			{"sum by (instance) (discord_rest_inflight[S])", "{{instance}}"}}},
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
			{"sum by (cache, reason) (rate(discord_cache_evictions_total[S][R])) > 0", "{{cache}}: {{reason}}"}}},
	}}
}

func goRuntime() row {
	return row{"Runtime", []panel{
		{title: "Memory", kind: "timeseries", unit: "bytes", queries: []query{
			{"discord_resource_rss_bytes[S]", "{{instance}} RSS"},
			{"discord_resource_go_bytes[S]", "{{instance}} Go"},
			{"discord_resource_heap_bytes[S]", "{{instance}} heap"},
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
