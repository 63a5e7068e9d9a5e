package main

import (
	"bytes"
	"fmt"
	"math"
)

// The plot, in pixels.
const (
	plotWidth, plotHeight    = 760, 400
	left, right, top, bottom = 84, 28, 76, 56 // margins around the axes
)

// plotStyle has colours for light pages and for dark ones. The picture has a
// background of its own: readers may have the one system-wide and the other on
// the page.
const plotStyle = `
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 }
.card { fill: #ffffff; stroke: #d0d7de }
.grid { stroke: #d0d7de; stroke-width: 1 }
.check { stroke: #0550ae; fill: #0550ae }
.register { stroke: #bc4c00; fill: #bc4c00 }
.line { fill: none; stroke-width: 2.5 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.card { fill: #0d1117; stroke: #30363d }
.grid { stroke: #30363d }
.check { stroke: #79c0ff; fill: #79c0ff }
.register { stroke: #ffa657; fill: #ffa657 }
.line { fill: none }
}
`

// plot returns a picture of checks and registrations on PostgreSQL over the
// number of names, as SVG: medians, with bars from the least to the most.
func plot(r *Results) []byte {
	lines := []struct {
		class, name string
		points      []Summary
	}{
		{"check", "checks", seriesOf(r, checks)},
		{"register", "registrations", seriesOf(r, registrations)},
	}
	highest := 1.0
	for _, l := range lines {
		for _, p := range l.points {
			highest = max(highest, p.Max)
		}
	}
	step := niceStep(highest / 4)
	limit := math.Ceil(highest/step) * step
	y := func(v float64) float64 { return plotHeight - bottom - v/limit*(plotHeight-top-bottom) }
	x := func(names int) float64 { return xOf(r, names) }

	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" aria-labelledby="title">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, "<title id=\"title\">Checks and registrations a second on PostgreSQL, over the number of names in the book</title>\n<style>%s</style>\n", plotStyle)
	fmt.Fprintf(&b, `<rect class="card" x="0.5" y="0.5" width="%d" height="%d" rx="8"/>`+"\n", plotWidth-1, plotHeight-1)
	fmt.Fprintf(&b, `<text class="title" x="%d" y="28">Answers a second on PostgreSQL</text>`+"\n", left)
	for v := 0.0; v <= limit; v += step {
		fmt.Fprintf(&b, `<line class="grid" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/>`, left, y(v), plotWidth-right, y(v))
		fmt.Fprintf(&b, `<text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", left-10, y(v)+4, count(int(v)))
	}
	for _, n := range r.Sizes {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x(n), plotHeight-bottom+22, count(n))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">names in the book</text>`+"\n", (left+plotWidth-right)/2, plotHeight-12)
	for i, l := range lines {
		lx := float64(left + 160*i)
		marker(&b, l.class, lx+6, 52)
		fmt.Fprintf(&b, `<text x="%.1f" y="56">%s</text>`+"\n", lx+20, l.name)
		fmt.Fprintf(&b, `<polyline class="line %s" points="`, l.class)
		for _, p := range l.points {
			fmt.Fprintf(&b, "%.1f,%.1f ", x(p.Names), y(p.Median))
		}
		b.WriteString("\"/>\n")
		for _, p := range l.points {
			fmt.Fprintf(&b, `<line class="%s" stroke-width="1.5" x1="%.1f" y1="%.1f" x2="%.1[2]f" y2="%.1[4]f"/>`, l.class, x(p.Names), y(p.Min), y(p.Max))
			marker(&b, l.class, x(p.Names), y(p.Median))
			fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`+"\n", x(p.Names), y(p.Max)-10, figure(p.Median))
		}
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// marker draws a point: of another shape for each line, not of another colour
// alone.
func marker(b *bytes.Buffer, class string, x, y float64) {
	if class == "check" {
		fmt.Fprintf(b, `<circle class="%s" cx="%.1f" cy="%.1f" r="4.5"/>`, class, x, y)
	} else {
		fmt.Fprintf(b, `<rect class="%s" x="%.1f" y="%.1f" width="8" height="8"/>`, class, x-4, y-4)
	}
}

func seriesOf(r *Results, what string) []Summary {
	var points []Summary
	for _, n := range r.Sizes {
		if s, ok := r.of(what, nametagPostgres, n); ok {
			points = append(points, s)
		}
	}
	return points
}

// xOf places a number of names on the logarithmic axis.
func xOf(r *Results, names int) float64 {
	const inset = 40
	from, to := float64(left+inset), float64(plotWidth-right-inset)
	if r.smallest() == r.largest() {
		return (from + to) / 2
	}
	low, high := math.Log10(float64(r.smallest())), math.Log10(float64(r.largest()))
	return from + (math.Log10(float64(names))-low)/(high-low)*(to-from)
}

// niceStep returns 1, 2 or 5 times a power of ten, at least v.
func niceStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= v {
			return m * power
		}
	}
	return 10 * power
}
