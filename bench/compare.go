package main

import (
	"fmt"
	"io"
	"strings"
)

// The labels of the programs that are compared.
const first, second = "1", "2"

// compare writes how the first of two programs did against the second: the processor time of a request, and all figures
// besides but the requests a second.
func (r *Results) compare(w io.Writer) {
	fmt.Fprintf(w, "\n1: %s\n2: %s\n\n%-70s %9s %9s %7s   %s\n", r.Environment[first], r.Environment[second], "medians", "1", "2", "1 : 2", "quartiles")
	for _, m := range r.Measurements {
		on, isFirst := strings.CutPrefix(m.System, first)
		if !isFirst || m.Slice > 1 {
			continue
		}
		line := func(unit string, figure func(Measurement) float64) {
			one, two := r.values(figure, m.What, m.System, m.Names), r.values(figure, m.What, second+on, m.Names)
			of := ratios(one, two)
			fmt.Fprintf(w, "%-70s %9.4g %9.4g %7.3f   %.3f – %.3f\n", fmt.Sprintf("%s%s, %s names: %s", m.What, on, count(m.Names), unit),
				median(one), median(two), median(of), quantile(of, 0.25), quantile(of, 0.75))
		}
		if m.Server == 0 {
			line(m.Unit, value)
			continue
		}
		line("µs of the server", cpu)
		if m.What == registrations && m.Sessions > 0 {
			line("µs of PostgreSQL", sessions)
		}
	}
}
