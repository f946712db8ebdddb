package chart

// Bar is a value, and between which it lay.
type Bar struct{ Value, Min, Max float64 }

// BarSeries has a bar for each group; a zero value is none.
type BarSeries struct {
	Name string
	Bars []Bar
}

// Bars draws groups of bars, one of each series.
func Bars(title, unit string, groups []string, series []BarSeries) string {
	d := begin(title, unit)
	most := 0.0
	for _, s := range series {
		for _, b := range s.Bars {
			most = max(most, b.Value, b.Max)
		}
	}
	y := upTo(most, top+plotHeight, top)
	d.grid(y)
	group := float64(plotWidth) / float64(len(groups))
	bar := 0.8 * group / float64(len(series))
	for g, name := range groups {
		x := left + group*float64(g)
		d.text(x+group/2, top+plotHeight+18, "middle", name, "")
		for i, s := range series {
			b := s.Bars[g]
			if b.Value == 0 {
				continue
			}
			at := x + 0.1*group + bar*float64(i)
			d.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, at, y.at(b.Value), bar*0.9, y.at(0)-y.at(b.Value), color(i))
			if b.Max > b.Min {
				d.add(`<line x1="%.1f" x2="%.1[1]f" y1="%.1f" y2="%.1f" stroke="#333"/>`, at+bar*0.45, y.at(b.Min), y.at(b.Max))
			}
		}
	}
	for i, s := range series {
		d.legend(i, s.Name)
	}
	return d.end()
}
