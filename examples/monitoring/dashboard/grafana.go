package main

// The parts of Grafana's dashboard format that are used here.

type object map[string]any

// columns is how wide Grafana's grid is.
const (
	columns     = 24
	panelHeight = 8
)

// dashboard lays the rows out, three panels side by side.
func dashboard() object {
	var panels []object
	y := 0
	for _, r := range rows() {
		panels = append(panels, object{
			"id": len(panels) + 1, "type": "row", "title": r.title, "collapsed": false,
			"gridPos": grid(0, y, columns, 1), "panels": []object{},
		})
		y++
		const width = columns / 3
		for i, p := range r.panels {
			x := i % 3 * width
			if i > 0 && x == 0 {
				y += panelHeight
			}
			panels = append(panels, p.object(len(panels)+1, grid(x, y, width, panelHeight)))
		}
		y += panelHeight
	}
	return object{
		"uid": "botwright", "title": "Discord bot", "tags": []string{"discord", "botwright"},
		"schemaVersion": 39, "editable": true, "refresh": "30s", "graphTooltip": 1,
		"time":   object{"from": "now-3h", "to": "now"},
		"panels": panels,
		"templating": object{"list": []object{
			variable("job", "label_values(discord_shards_configured, job)"),
			variable("instance", `label_values(discord_shards_configured{job=~"$job"}, instance)`),
			variable("shard", `label_values(discord_shard_up{job=~"$job",instance=~"$instance"}, shard)`),
		}},
	}
}

func grid(x, y, w, h int) object { return object{"x": x, "y": y, "w": w, "h": h} }

func datasource() object { return object{"type": "prometheus", "uid": "prometheus"} }

// variable is one that a reader of the dashboard chooses any number of values of.
func variable(name, query string) object {
	return object{
		"name": name, "type": "query", "datasource": datasource(), "query": query,
		"includeAll": true, "allValue": ".*", "multi": true, "refresh": 2, "sort": 3,
		"current": object{"text": "All", "value": "$__all"},
	}
}

// A panel shows queries.
type panel struct {
	title   string
	about   string
	kind    string // timeseries, stat, state-timeline, bargauge
	unit    string
	limit   float64 // where it becomes red; 0: nowhere
	low     bool    // below limit rather than above
	queries []query
}

type query struct {
	expr   string
	legend string
}

func (p panel) object(id int, pos object) object {
	steps := []object{{"color": "green", "value": nil}}
	if p.limit > 0 && p.low {
		steps = []object{{"color": "red", "value": nil}, {"color": "green", "value": p.limit}}
	} else if p.limit > 0 {
		steps = append(steps, object{"color": "red", "value": p.limit})
	}
	targets := make([]object, len(p.queries))
	for i, q := range p.queries {
		targets[i] = object{
			"refId": string(rune('A' + i)), "datasource": datasource(), "expr": q.expr,
			"legendFormat": q.legend, "instant": p.kind == "bargauge",
		}
	}
	return object{
		"id": id, "type": p.kind, "title": p.title, "description": p.about, "gridPos": pos,
		"datasource": datasource(), "targets": targets,
		"fieldConfig": object{"defaults": object{
			"unit": p.unit, "min": 0, "thresholds": object{"mode": "absolute", "steps": steps},
			"custom": p.custom(),
		}, "overrides": []object{}},
	}
}

// custom shows a limit as a line.
func (p panel) custom() object {
	if p.kind == "timeseries" && p.limit > 0 {
		return object{"thresholdsStyle": object{"mode": "line"}}
	}
	return object{}
}
