package modelcheck_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// progress is how often it is told how far the histories are.
const progress = 10 * time.Second

// Random histories come to the model's verdicts, and show each person what the model
// shows them. -rapid.checks says how many; a failure prints the shortest history that
// fails, and the flag that repeats it.
func TestModel(t *testing.T) {
	w := start(t)
	began, told := time.Now(), time.Now()
	played, commands, met := 0, 0, tally{}
	var first string
	defer func() {
		if first != "" { // what depends on who was faster may not happen again
			t.Log("the first to part ways:", first)
		}
	}()
	rapid.Check(t, func(rt *rapid.T) {
		h := rapid.OneOf(histories(1, 20), histories(15, 60)).Draw(rt, "history")
		played, commands = played+1, commands+len(h)
		if err := w.diverges(h, met); err != nil {
			if first == "" {
				first = fmt.Sprintf("%#v\n%v", h, err)
			}
			rt.Log(err)
			rt.Fatal("the API and the model part ways") // always the same, or rapid takes it for another failure and does not shrink
		}
		if time.Since(told) > progress {
			told = time.Now()
			t.Logf("%d histories, %d commands, %s", played, commands, time.Since(began).Round(time.Second))
		}
	})
	t.Logf("%d histories, %d commands, %s", played, commands, time.Since(began).Round(time.Second))
	met.check(t, played)
}

// diverges plays a history and says what is not as the model has it.
func (w *world) diverges(h history, met tally) error {
	st := stage{w.scene(), w.scene()}
	if err := st.play(h); err != nil {
		return err
	}
	for _, s := range st {
		met.add(s)
		models, err := s.replay()
		if err != nil {
			return err
		}
		if err := s.compare(models); err != nil {
			return err
		}
	}
	return nil
}
