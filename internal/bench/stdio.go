package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// stdio is a layer behind a process: a whole server.
type stdio struct {
	client *client
	tail   string // of the request
	first  []byte // the result, checked; every other must be the same
	size   int    // of the line
	name   string

	sent map[int]time.Time
}

// stdioLayer makes the first call and checks its answer.
func stdioLayer(cl *client, c *benchCase, tool, args string, check func(string) error) (*stdio, error) {
	l := &stdio{client: cl, tail: call(tool, args), name: c.name, sent: map[int]time.Time{}}
	res, err := cl.ask(l.tail)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	l.first, l.size = bytes.Clone(res), len(cl.buf)
	text, err := answerText(l.first)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	return l, check(text)
}

// answerText gives the first text of a tool's answer, given with the brace that ends the message.
func answerText(res []byte) (string, error) {
	var answer struct {
		Content []struct{ Text string }
		IsError bool
	}
	if err := json.Unmarshal(bytes.TrimSuffix(bytes.TrimSpace(res), []byte("}")), &answer); err != nil {
		return "", fmt.Errorf("reading an answer: %w: %.300q", err, res)
	}
	if answer.IsError || len(answer.Content) == 0 {
		return "", fmt.Errorf("the server answers %.300q", res)
	}
	return answer.Content[0].Text, nil
}

func (l *stdio) reply() int { return l.size }

// measure keeps up to workers requests on their way. Requests are short, so that the pipe holds all of them.
func (l *stdio) measure(ctx context.Context, workers int, d time.Duration) (reading, error) {
	stop := l.client.watch()
	defer stop()
	took := make([]time.Duration, 0, int(d/(5*time.Microsecond)))
	start := time.Now()
	for range workers {
		if err := l.send(start); err != nil {
			return reading{}, err
		}
	}
	now := start
	for len(l.sent) > 0 {
		id, err := l.receive()
		if err != nil {
			return reading{}, err
		}
		now = time.Now()
		took = append(took, now.Sub(l.sent[id]))
		delete(l.sent, id)
		if now.Sub(start) < d && ctx.Err() == nil {
			if err := l.send(now); err != nil {
				return reading{}, err
			}
		}
	}
	return reading{calls: len(took), p50: median(took), wall: now.Sub(start)}, ctx.Err()
}

func (l *stdio) send(now time.Time) error {
	id, err := l.client.send(l.tail)
	l.sent[id] = now
	return err
}

func (l *stdio) receive() (int, error) {
	id, res, err := l.client.receive()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", l.name, err)
	}
	if _, known := l.sent[id]; !known {
		return 0, fmt.Errorf("%s: an answer to request %d, which is not on its way", l.name, id)
	}
	if !bytes.Equal(res, l.first) {
		return 0, fmt.Errorf("%s: another answer: %.300q", l.name, res)
	}
	return id, nil
}
