package main

import "context"

func soakOne(context.Context, *setting) error { return nil }
