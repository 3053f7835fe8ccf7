package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// scaleOut loads three replicas behind nginx and PgBouncer, and one that reads from the standby, while parts fail.
func scaleOut(ctx context.Context, s *setting) error {
	d, err := s.databases(ctx)
	if err == nil {
		err = s.replicate(ctx, d)
	}
	if err != nil {
		return err
	}
	fmt.Println("a primary and its standby, named in one connection string")
	aims, err := s.aims(ctx, d)
	if err != nil {
		return err
	}
	pooler, err := s.pgbouncer(ctx, d)
	if err != nil {
		return err
	}
	var replicas []*replica
	for range 3 {
		// In read-only mode every call is known to be a read; else a SELECT may write through functions, and is no call to
		// repeat.
		r, err := s.replica(ctx, pooler.url(), "POSTGRES_READONLY=true")
		if err != nil {
			return err
		}
		replicas = append(replicas, r)
	}
	front, err := s.nginx(ctx, replicas)
	if err != nil {
		return err
	}
	reader, err := s.replica(ctx, d.bothURL("prefer-standby"), "POSTGRES_READONLY=true")
	if err != nil {
		return err
	}
	known, err := questions(ctx, newClient(front))
	if err != nil {
		return err
	}
	fmt.Printf("3 replicas behind nginx and PgBouncer, %d clients; 1 read-only replica on both databases, %d clients; "+
		"%v\n", s.clients, s.clients/4, s.duration)
	loads := []*load{
		startLoad(ctx, "behind nginx and PgBouncer", front, s.clients, asking(known)),
		startLoad(ctx, "read-only, target_session_attrs=prefer-standby", reader.url(), s.clients/4, asking(known)),
	}
	err = s.disturb(ctx, d, pooler, replicas, func(name string) {
		for _, l := range loads {
			l.begin(name)
		}
	})
	for _, l := range loads {
		err = errors.Join(err, l.end())
	}
	fmt.Println("\nafter the promotion, in one connection string")
	for _, a := range aims {
		err = errors.Join(err, a.reaches(ctx, a.after))
	}
	return err
}

// disturb makes parts fail in turn; begin names each phase.
func (s *setting) disturb(ctx context.Context, d *databases, b *bouncer, replicas []*replica,
	begin func(string)) error {
	slice := s.duration / 6
	steps := []struct {
		name string
		do   func() error
	}{
		{"a replica is killed (SIGKILL)", replicas[0].kill},
		{"it is started again", func() error { return s.revive(ctx, replicas[0]) }},
		{"PgBouncer is restarted", func() error { return b.restart(ctx) }},
		{"the primary dies, the standby is promoted", func() error { return failOver(ctx, d, b) }},
		{"on the new primary", func() error { return nil }},
	}
	if err := pause(ctx, slice); err != nil {
		return err
	}
	for _, step := range steps {
		begin(step.name)
		start := time.Now()
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		if err := pause(ctx, slice-time.Since(start)); err != nil {
			return err
		}
	}
	return nil
}

// failOver stops the primary in the middle of its work, promotes the standby, and points PgBouncer to it.
func failOver(ctx context.Context, d *databases, b *bouncer) error {
	if err := syscall.Kill(d.primary.PID(), syscall.SIGQUIT); err != nil {
		return err
	}
	start := time.Now()
	if err := execute(ctx, d.standbyURL(), "SELECT pg_promote()"); err != nil {
		return err
	}
	err := errors.Join(b.point(d.standbyPort), b.signal(syscall.SIGHUP))
	fmt.Printf("the standby took over %d ms after the primary's end\n", time.Since(start).Milliseconds())
	return err
}
