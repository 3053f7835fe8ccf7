package faults

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxWord is the length in characters above which a word is no misspelt name.
const maxWord = 256

// Nearest returns at most n of the candidates that word may be a misspelling of, best first, ties in the order of the
// candidates. Letter case does not count. A candidate a.b is compared as a whole and by the part after its last dot.
// A candidate is plausible if about two thirds of the letters are right, or if one of the two holds the other and
// that has three letters or more. The result is nil when nothing is plausible.
func Nearest(word string, candidates []string, n int) []string {
	word = strings.ToLower(word)
	if word == "" || utf8.RuneCountInString(word) > maxWord || n < 1 {
		return nil
	}
	scores := map[string]int{}
	var near []string
	for _, c := range candidates {
		if _, seen := scores[c]; seen {
			continue
		}
		if score, ok := likeness(word, strings.ToLower(c)); ok {
			scores[c] = score
			near = append(near, c)
		}
	}
	slices.SortStableFunc(near, func(a, b string) int { return cmp.Compare(scores[a], scores[b]) })
	return near[:min(n, len(near))]
}

// DidYouMean returns `: did you mean "x"?` with the candidate nearest to word, or "" when none is plausible.
func DidYouMean(word string, candidates []string) string {
	if near := Nearest(word, candidates, 1); len(near) > 0 {
		return fmt.Sprintf(": did you mean %q?", near[0])
	}
	return ""
}

// likeness compares word with a candidate and with the part after its last dot; a lower score is a better match.
func likeness(word, candidate string) (int, bool) {
	score, ok := wordLikeness(word, candidate)
	if dot := strings.LastIndexByte(candidate, '.'); dot >= 0 {
		if part, partOK := wordLikeness(word, candidate[dot+1:]); partOK && (!ok || part < score) {
			return part, true
		}
	}
	return score, ok
}

// The scores of names that hold one another come after those of any edit distance.
const (
	prefixScore = 1000
	withinScore = 2000
)

func wordLikeness(word, candidate string) (int, bool) {
	wordLen, candidateLen := utf8.RuneCountInString(word), utf8.RuneCountInString(candidate)
	longest, shortest := max(wordLen, candidateLen), min(wordLen, candidateLen)
	allowed := max(1, (wordLen+1)/3)
	if longest-shortest <= allowed {
		if d := distance(word, candidate); d <= 2*allowed && d < 2*longest {
			return d, true
		}
	}
	switch {
	case shortest < 3:
	case strings.HasPrefix(candidate, word) || strings.HasPrefix(word, candidate):
		return prefixScore + longest - shortest, true
	case strings.Contains(candidate, word) || strings.Contains(word, candidate):
		return withinScore + longest - shortest, true
	}
	return 0, false
}

// distance is twice the number of letters that were added, left out or replaced; two neighbours changed round count
// one.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = 2 * j
	}
	for i := range x {
		row[0] = 2 * (i + 1)
		for j := range y {
			row[j+1] = min(last[j+1]+2, row[j]+2)
			switch {
			case x[i] == y[j]:
				row[j+1] = min(row[j+1], last[j])
			case i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j]:
				row[j+1] = min(row[j+1], last[j]+2, before[j-1]+1)
			default:
				row[j+1] = min(row[j+1], last[j]+2)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}

// OneOf writes words as "a, b or c".
func OneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// Suggest ends a message about a word that should be one of names: with the nearest of them, or else with all.
func Suggest(word string, names []string) string {
	if hint := DidYouMean(word, names); hint != "" || len(names) == 0 {
		return hint
	}
	return ": want " + OneOf(names)
}

// Choose ends a message about a word that should be one of words: with the nearest of them, if any, and all.
func Choose(word string, words []string) string {
	hint := DidYouMean(word, words)
	if hint == "" {
		hint = ":"
	}
	return hint + " want " + OneOf(words)
}
