// Package shardenv reads from the environment of a process which shards it has.
package shardenv

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Read returns the number of all shards, 0 for as many as Discord recommends, and the shards of this
// process; none for all. getenv is [os.Getenv]. set is false if the environment says nothing.
func Read(getenv func(string) string) (count int, ids []int, set bool, err error) {
	lookup := func(name string) string { return strings.TrimSpace(getenv(name)) }
	e := environment{
		count: lookup("SHARD_COUNT"), id: lookup("SHARD_ID"), ids: lookup("SHARD_IDS"),
		perPod: lookup("SHARDS_PER_POD"), lookup: lookup,
	}
	if e.count == "" && e.id == "" && e.ids == "" && e.perPod == "" {
		return 0, nil, false, nil
	}
	count, ids, err = e.shards()
	return count, ids, true, err
}

// environment is what the environment says about shards.
type environment struct {
	count, id, ids, perPod string
	lookup                 func(string) string
}

// ordinal is the value of SHARD_ID that stands for the number at the end of the pod's name.
const ordinal = "ordinal"

// shards returns the number of shards, and those of this process; none for all.
func (e environment) shards() (count int, ids []int, err error) {
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
func (e environment) podShards(count int) ([]int, error) {
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
	variable, name := "POD_NAME", e.lookup("POD_NAME")
	if name == "" {
		variable, name = "HOSTNAME", e.lookup("HOSTNAME")
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
