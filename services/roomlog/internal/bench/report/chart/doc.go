// Package chart draws bars and lines as SVG: as much as a few charts in a document need.
//
// The same data gives the same bytes, so that a chart that is committed changes with
// its data alone.
package chart

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Of all charts, in pixels.
const (
	width, height = 800, 340
	left, right   = 70, 240 // the names of series stand at the right
	top, bottom   = 40, 50
	plotWidth     = width - left - right
	plotHeight    = height - top - bottom
	ticks         = 5
)

// colors are Okabe and Ito's, told apart by colour-blind eyes.
var colors = []string{"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"}

// drawing is an SVG that grows.
type drawing struct{ strings.Builder }

func begin(title, unit string) *drawing {
	d := new(drawing)
	d.add(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="12">`, width, height)
	d.add(`<rect width="%d" height="%d" fill="white"/>`, width, height)
	d.text(left, 20, "start", title, `font-size="14" font-weight="bold"`)
	d.text(left-8, top-6, "end", unit, `fill="#555"`)
	return d
}

func (d *drawing) end() string {
	d.add(`</svg>`)
	return d.String()
}

func (d *drawing) add(format string, args ...any) { _, _ = fmt.Fprintf(d, format+"\n", args...) }

func (d *drawing) text(x, y float64, anchor, text, more string) {
	d.add(`<text x="%.1f" y="%.1f" text-anchor="%s" %s>%s</text>`, x, y, anchor, more, html.EscapeString(text))
}

// legend names a series at the right.
func (d *drawing) legend(i int, name string) {
	y := float64(top + 20*i)
	d.add(`<rect x="%d" y="%.1f" width="12" height="12" fill="%s"/>`, left+plotWidth+14, y, color(i))
	d.text(left+plotWidth+32, y+11, "start", name, "")
}

func color(i int) string { return colors[i%len(colors)] }

// scale puts values into pixels.
type scale struct {
	low, high float64
	log       bool
	from, to  float64 // pixels
}

func (s scale) at(v float64) float64 {
	low, high := s.low, s.high
	if s.log {
		v, low, high = math.Log10(max(v, s.low)), math.Log10(low), math.Log10(high)
	}
	return s.from + (v-low)/(high-low)*(s.to-s.from)
}

// marks are where the scale has lines: round numbers.
func (s scale) marks() (all []float64) {
	if s.log {
		for v := s.low; v <= s.high*1.001; v *= 10 {
			all = append(all, v)
		}
		return all
	}
	for v := s.low; v <= s.high*1.001; v += roundUp((s.high - s.low) / ticks) {
		all = append(all, v)
	}
	return all
}

// roundUp gives the next of 1, 2, 2.5, 5, 10 and so on.
func roundUp(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 2, 2.5, 5, 10} {
		if step*power >= v*0.999 {
			return step * power
		}
	}
	return 10 * power
}

// upTo is a scale from 0 to a round number.
func upTo(most, from, to float64) scale {
	step := roundUp(most / ticks)
	return scale{0, max(step, step*math.Ceil(most/step)), false, from, to}
}

// decades is a scale of whole powers of ten.
func decades(least, most, from, to float64) scale {
	low, high := math.Floor(math.Log10(least)), math.Ceil(math.Log10(most))
	return scale{math.Pow(10, low), math.Pow(10, max(high, low+1)), true, from, to}
}

// grid draws the lines of the vertical scale.
func (d *drawing) grid(y scale) {
	for _, v := range y.marks() {
		d.add(`<line x1="%d" x2="%d" y1="%.1f" y2="%.1[3]f" stroke="#ddd"/>`, left, left+plotWidth, y.at(v))
		d.text(left-8, y.at(v)+4, "end", label(v), `fill="#555"`)
	}
}

// label writes a number shortly.
func label(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%gM", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%gk", v/1e3)
	}
	return fmt.Sprintf("%.3g", v)
}

func place(pixels float64) string { return fmt.Sprintf("%.1f", pixels) }
