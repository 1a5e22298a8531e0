package botwright

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// WithShardsFromEnv is [WithShards] from the environment of the process, read by [New], so that one
// image runs as any number of processes:
//
//	SHARD_COUNT     the number of shards over all processes; 0 for Discord's recommendation,
//	                which leaves all of them to this process
//	SHARD_ID        the shard that this process has
//	SHARD_IDS       or the shards that it has, such as "0-3,7"
//	SHARD_ID        or "ordinal": the number at the end of the pod's name, as in a StatefulSet of
//	                Kubernetes, bot-0, bot-1 …; the name is POD_NAME, or HOSTNAME without it
//	SHARDS_PER_POD  with SHARD_ID=ordinal, how many shards each pod has; 1 by default. Pod n
//	                begins with shard n × SHARDS_PER_POD; the last may have fewer
//
// With SHARD_COUNT alone this process has all shards. Where none of them is set, or all are empty,
// the option does nothing: WithShards before it, or one shard, remains. New refuses what does not
// fit together.
func WithShardsFromEnv() Option {
	return func(c *config) {
		env := shardEnv{
			count: lookup("SHARD_COUNT"), id: lookup("SHARD_ID"), ids: lookup("SHARD_IDS"),
			perPod: lookup("SHARDS_PER_POD"),
		}
		if env == (shardEnv{}) {
			return
		}
		count, ids, err := env.shards()
		if err != nil {
			c.problem("WithShardsFromEnv", "%w", err)
			return
		}
		c.shardCount, c.shardIDs = count, ids
	}
}

// shardEnv is what the environment says about shards.
type shardEnv struct{ count, id, ids, perPod string }

// ordinal is the value of SHARD_ID that stands for the number at the end of the pod's name.
const ordinal = "ordinal"

func lookup(name string) string { return strings.TrimSpace(os.Getenv(name)) }

// shards returns the number of shards, and those of this process; none for all.
func (e shardEnv) shards() (count int, ids []int, err error) {
	switch {
	case e.id != "" && e.ids != "":
		return 0, nil, fmt.Errorf("SHARD_ID is %q and SHARD_IDS is %q: set one of them", e.id, e.ids)
	case e.perPod != "" && e.id != ordinal:
		return 0, nil, fmt.Errorf("SHARDS_PER_POD is %q, which needs SHARD_ID=ordinal", e.perPod)
	case e.count == "":
		return 0, nil, fmt.Errorf("SHARD_COUNT is not set: shard %s means nothing without the "+
			"number of all shards", cmp.Or(e.id, e.ids))
	}
	if count, err = number("SHARD_COUNT", e.count); err != nil {
		return 0, nil, err
	}
	switch {
	case e.id == "" && e.ids == "":
		return count, nil, nil
	case count == 0:
		return 0, nil, fmt.Errorf("SHARD_COUNT is 0, as many as Discord recommends, and shards "+
			"are named (%s): every process needs the same number, so set it", cmp.Or(e.id, e.ids))
	case e.id == ordinal:
		ids, err = e.podShards(count)
	case e.id != "":
		var id int
		if id, err = number("SHARD_ID", e.id); err == nil {
			ids, err = shardRange("SHARD_ID", e.id, id, id, count)
		}
	default:
		ids, err = parseShards(e.ids, count)
	}
	return count, ids, err
}

// podShards returns the shards of the pod that this process runs in.
func (e shardEnv) podShards(count int) ([]int, error) {
	perPod := 1
	if e.perPod != "" {
		var err error
		if perPod, err = number("SHARDS_PER_POD", e.perPod); err != nil {
			return nil, err
		}
		if perPod == 0 {
			return nil, fmt.Errorf("SHARDS_PER_POD is 0: a pod has at least one shard")
		}
	}
	variable, name := "POD_NAME", lookup("POD_NAME")
	if name == "" {
		variable, name = "HOSTNAME", lookup("HOSTNAME")
	}
	if name == "" {
		return nil, fmt.Errorf("SHARD_ID is %q, but neither POD_NAME nor HOSTNAME is set", ordinal)
	}
	digits := regexp.MustCompile(`-(\d+)$`).FindStringSubmatch(name)
	if digits == nil {
		return nil, fmt.Errorf("SHARD_ID is %q, but %s is %q, which does not end in a dash and a "+
			"number as the pods of a StatefulSet do", ordinal, variable, name)
	}
	pod, err := number(variable, digits[1])
	if err != nil {
		return nil, err
	}
	if pod > (count-1)/perPod {
		return nil, fmt.Errorf("%s is %q: with SHARD_COUNT %d and %d for each pod, no shard is "+
			"left for pod %d", variable, name, count, perPod, pod)
	}
	first := pod * perPod
	return shardRange(variable, name, first, min(first+perPod, count)-1, count)
}

// parseShards reads a list of shards and ranges of them.
func parseShards(list string, count int) ([]int, error) {
	var ids []int
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		first, err := number("SHARD_IDS", strings.TrimSpace(from))
		if err != nil {
			return nil, fmt.Errorf("%w; it is to look like 0-3,7", err)
		}
		last := first
		if isRange {
			if last, err = number("SHARD_IDS", strings.TrimSpace(to)); err != nil {
				return nil, fmt.Errorf("%w; it is to look like 0-3,7", err)
			}
		}
		more, err := shardRange("SHARD_IDS", list, first, last, count)
		if err != nil {
			return nil, err
		}
		ids = append(ids, more...)
	}
	slices.Sort(ids)
	for i := range ids[1:] {
		if ids[i] == ids[i+1] {
			return nil, fmt.Errorf("SHARD_IDS is %q, which names shard %d twice", list, ids[i])
		}
	}
	return ids, nil
}

// shardRange returns the ids from first to last, of count.
func shardRange(variable, value string, first, last, count int) ([]int, error) {
	switch {
	case first > last:
		return nil, fmt.Errorf("%s is %q: the range from %d to %d is empty",
			variable, value, first, last)
	case last >= count:
		return nil, fmt.Errorf("%s is %q: there is no shard %d of %d (SHARD_COUNT); the first is 0",
			variable, value, last, count)
	}
	ids := make([]int, 0, last-first+1)
	for id := first; id <= last; id++ {
		ids = append(ids, id)
	}
	return ids, nil
}

// maxShards is more than any bot has: a larger number is a slip, which would be found out by
// running out of memory.
const maxShards = 100_000

// number reads a variable that is to hold a number from 0 on, and no sign.
func number(variable, value string) (int, error) {
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%s holds %q where a number from 0 on is to be", variable, value)
	}
	if n > maxShards {
		return 0, fmt.Errorf("%s holds %d: no bot has more than %d shards", variable, n, maxShards)
	}
	return int(n), nil
}
