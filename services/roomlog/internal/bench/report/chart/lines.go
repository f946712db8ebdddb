package chart

import (
	"slices"
	"strings"
)

// Point is a place on a line.
type Point struct{ X, Y float64 }

// LineSeries is a line.
type LineSeries struct {
	Name   string
	Points []Point
}

// Lines draws lines over numbers from 0 on.
func Lines(title, unit, xUnit string, series []LineSeries) string {
	d := begin(title, unit)
	mostX, mostY := 0.0, 0.0
	for _, s := range series {
		for _, p := range s.Points {
			mostX, mostY = max(mostX, p.X), max(mostY, p.Y)
		}
	}
	x, y := upTo(mostX, left, left+plotWidth), upTo(mostY, top+plotHeight, top)
	d.grid(y)
	for _, v := range x.marks() {
		d.text(x.at(v), top+plotHeight+18, "middle", label(v), `fill="#555"`)
	}
	d.text(left+plotWidth/2, height-10, "middle", xUnit, `fill="#555"`)
	d.lines(x, y, series)
	return d.end()
}

// Steps draws lines over names, with a vertical scale of powers of ten.
func Steps(title, unit, xUnit string, names []string, series []LineSeries) string {
	d := begin(title, unit)
	leastY, mostY := 0.0, 0.0
	for _, s := range series {
		for _, p := range s.Points {
			if mostY = max(mostY, p.Y); leastY == 0 || p.Y < leastY {
				leastY = p.Y
			}
		}
	}
	x := scale{-0.25, float64(len(names)) - 0.75, false, left, left + plotWidth}
	y := decades(max(leastY, 1e-3), max(mostY, 1e-2), top+plotHeight, top)
	d.grid(y)
	for i, name := range names {
		d.text(x.at(float64(i)), top+plotHeight+18, "middle", name, `fill="#555"`)
	}
	d.text(left+plotWidth/2, height-10, "middle", xUnit, `fill="#555"`)
	d.lines(x, y, series)
	return d.end()
}

// Growth draws lines between points, with powers of ten on both scales: what grows in
// proportion rises by as much as it goes to the right, what does not grow is level.
func Growth(title, unit, xUnit string, series []LineSeries) string {
	d := begin(title, unit)
	var xs, ys []float64
	for _, s := range series {
		for _, p := range s.Points {
			xs, ys = append(xs, p.X), append(ys, p.Y)
		}
	}
	x := decades(slices.Min(xs), slices.Max(xs), left, left+plotWidth)
	y := decades(slices.Min(ys), slices.Max(ys), top+plotHeight, top)
	d.grid(y)
	for _, v := range x.marks() {
		d.text(x.at(v), top+plotHeight+18, "middle", label(v), `fill="#555"`)
	}
	d.text(left+plotWidth/2, height-10, "middle", xUnit, `fill="#555"`)
	d.lines(x, y, series)
	for i, s := range series {
		for _, p := range s.Points {
			d.add(`<circle cx="%s" cy="%s" r="3.5" fill="%s"/>`, place(x.at(p.X)), place(y.at(p.Y)), color(i))
		}
	}
	return d.end()
}

func (d *drawing) lines(x, y scale, series []LineSeries) {
	for i, s := range series {
		var path strings.Builder
		for _, p := range s.Points {
			if path.Len() > 0 {
				path.WriteByte(' ')
			}
			path.WriteString(place(x.at(p.X)) + "," + place(y.at(p.Y)))
		}
		d.add(`<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`, path.String(), color(i))
		d.legend(i, s.Name)
	}
}
