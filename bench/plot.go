package main

import (
	"bytes"
	"errors"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// picture returns checks and registrations a second over the number of names, next to each other, as SVG.
func picture(r *Results) ([]byte, error) {
	plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	plotter.DefaultLineStyle.Width, plotter.DefaultGlyphStyle.Radius = 1.5, 4
	// Lines differ in their points as well, and the colour-blind can tell these colours from one another (Okabe and Ito).
	plotutil.DefaultColors = []color.Color{color.RGBA{0x00, 0x72, 0xb2, 0xff}, color.RGBA{0x00, 0x9e, 0x73, 0xff},
		color.RGBA{0xd5, 0x5e, 0x00, 0xff}, color.Gray{0x80}}
	plotutil.DefaultGlyphShapes = []draw.GlyphDrawer{
		draw.CircleGlyph{}, draw.PyramidGlyph{}, draw.SquareGlyph{}, draw.BoxGlyph{}}
	checking, err1 := newPlot(r, "Checks a second", checks, constant)
	registering, err2 := newPlot(r, "Registrations a second", registrations, pgbench)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	canvas := vgsvg.New(720, 300)
	page := draw.New(canvas)
	page.SetColor(color.White)
	page.Fill(page.Rectangle.Path())
	plots := [][]*plot.Plot{{checking, registering}}
	tiles := draw.Tiles{Rows: 1, Cols: 2, PadX: 24, PadTop: 12, PadBottom: 12, PadLeft: 12, PadRight: 12}
	for i, c := range plot.Align(plots, tiles, page)[0] {
		plots[0][i].Draw(c)
	}
	var svg bytes.Buffer
	_, err := canvas.WriteTo(&svg)
	// Arial has the same widths, for where that font is not installed.
	return bytes.ReplaceAll(svg.Bytes(), []byte("Liberation Sans"), []byte("Liberation Sans,Arial,sans-serif")), err
}

// newPlot plots what was measured over the number of names: medians, with bars from the least value to the greatest.
func newPlot(r *Results, title, what, lastSystem string) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.Title.Padding = title, 10
	p.X.Label.Text, p.X.Label.Padding = "names in the registry", 4
	p.X.Scale = plot.LogScale{}
	p.X.Min, p.X.Max = float64(r.Smallest())/1.5, float64(r.Largest())*1.5
	p.X.Tick.Marker = plot.TickerFunc(func(_, _ float64) (ticks []plot.Tick) {
		for _, n := range r.Sizes {
			ticks = append(ticks, plot.Tick{Value: float64(n), Label: count(n)})
		}
		return ticks
	})
	p.Y.Min = 0
	p.Y.Tick.Marker = plot.TickerFunc(func(low, high float64) (ticks []plot.Tick) {
		for _, t := range (plot.DefaultTicks{}).Ticks(low, high) {
			ticks = append(ticks, plot.Tick{Value: t.Value, Label: count(int(t.Value))})
		}
		return ticks
	})
	p.Legend.XOffs, p.Legend.YOffs, p.Legend.Padding = -12, 12, 4
	p.Add(plotter.NewGrid())
	var lines []any
	var bars []interface {
		plotter.XYer
		plotter.YErrorer
	}
	for _, system := range []string{nametagPostgres, nametagSQLite, pocketBase, lastSystem} {
		var points struct {
			plotter.XYs
			plotter.YErrors
		}
		for _, n := range r.Sizes {
			if v := r.values(value, what, system, n); len(v) > 0 {
				m := median(v)
				points.XYs = append(points.XYs, plotter.XY{X: float64(n), Y: m})
				points.YErrors = append(points.YErrors, struct{ Low, High float64 }{m - slices.Min(v), slices.Max(v) - m})
			}
		}
		lines, bars = append(lines, system, points), append(bars, points)
	}
	return p, errors.Join(plotutil.AddYErrorBars(p, bars...), plotutil.AddLinePoints(p, lines...))
}
