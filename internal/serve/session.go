package serve

import "github.com/mark3labs/mcp-go/mcp"

// SessionID implements server.ClientSession.
func (c *conn) SessionID() string { return c.id }

// NotificationChannel implements server.ClientSession.
func (c *conn) NotificationChannel() chan<- mcp.JSONRPCNotification { return c.broadcasts }

// Initialize implements server.ClientSession.
func (c *conn) Initialize() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready = true
}

// Initialized implements server.ClientSession.
func (c *conn) Initialized() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ready
}

// SetLogLevel implements server.SessionWithLogging.
func (c *conn) SetLogLevel(level mcp.LoggingLevel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.level = level
}

// GetLogLevel implements server.SessionWithLogging.
func (c *conn) GetLogLevel() mcp.LoggingLevel {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.level
}

// SetSubscriptionFilter implements server.SessionWithSubscriptionFilter.
func (c *conn) SetSubscriptionFilter(f mcp.SubscriptionFilter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wants = f
}

// SubscriptionFilter implements server.SessionWithSubscriptionFilter: clients that have not said initialize, of revision
// 2026-07-28 or later, are told only what they asked for. The one client of standard input and output that has asked for
// nothing is told of everything: some wait for a change of the tools without subscriptions/listen, and nobody else is disturbed.
func (c *conn) SubscriptionFilter() (mcp.SubscriptionFilter, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wants, !c.legacy && (c.listen != nil || c.id != stdioID)
}
