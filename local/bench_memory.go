package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// memory is what a process held while it was watched, in MiB.
type memory struct {
	samples []float64 // one a second
	peak    float64
}

// watchMemory samples a process' memory until ctx ends. Where there is no /proc it sees nothing.
func watchMemory(ctx context.Context, pid int) func() memory {
	var mu sync.Mutex
	var m memory
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				mu.Lock()
				m.samples = append(m.samples, procStatus(pid, "VmRSS"))
				m.peak = max(m.peak, procStatus(pid, "VmHWM"))
				mu.Unlock()
			}
		}
	}()
	return func() memory {
		mu.Lock()
		defer mu.Unlock()
		return m
	}
}

// growth compares the mean of the last sixth with that of the third sixth.
func (m memory) growth() float64 {
	n := len(m.samples)
	if n < 12 {
		return 1
	}
	return mean(m.samples[n*5/6:]) / max(mean(m.samples[n/3:n/2]), 1)
}

func mean(x []float64) (sum float64) {
	for _, v := range x {
		sum += v
	}
	return sum / float64(max(len(x), 1))
}

// procStatus reads a figure of /proc in MiB.
func procStatus(pid int, key string) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kib float64
		if _, err := fmt.Sscanf(line, key+": %f kB", &kib); err == nil {
			return kib / 1024
		}
	}
	return 0
}

// cpuOf is how much CPU another process has used, as Linux tells it; 0 elsewhere.
func cpuOf(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	var user, system int64
	if len(fields) < 13 {
		return 0
	}
	fmt.Sscan(fields[11], &user)                              //nolint:errcheck // then it is 0
	fmt.Sscan(fields[12], &system)                            //nolint:errcheck // then it is 0
	return time.Duration(user+system) * 10 * time.Millisecond // ticks of 1/100 s
}
