// An MCP client on the official TypeScript SDK: node client.mjs PACKAGE REVISION TRANSPORT TARGET. It lists the tools, as hosts do,
// does what it reads, one thing a line, and prints what each gives; the line "cancel" cancels the last call.
import { createInterface } from 'node:readline'

const [, , sdk, revision, transport, target] = process.argv
const v2 = sdk === '@modelcontextprotocol/client'
const all = v2
  ? { ...(await import(sdk)), ...(await import(sdk + '/stdio')) }
  : { ...(await import(sdk + '/client/index.js')), ...(await import(sdk + '/client/stdio.js')),
      ...(await import(sdk + '/client/streamableHttp.js')), ...(await import(sdk + '/client/sse.js')) }
const [command, ...args] = target.split(' ')
const open = {
  stdio: () => new all.StdioClientTransport({ command, args, env: process.env, stderr: 'ignore' }),
  'streamable-http': () => new all.StreamableHTTPClientTransport(new URL(target)),
  sse: () => new all.SSEClientTransport(new URL(target)),
}
const print = answer => console.log(JSON.stringify(answer))
for (const level of ['warn', 'error', 'info', 'debug']) console[level] = (...words) => print({ warning: words.map(String).join(' ') })
let changes = 0
const client = new all.Client({ name: 'hosts', version: '1' }, {
  listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: () => changes++ } },
  ...(v2 ? { versionNegotiation: { mode: revision < '2026' ? 'legacy' : { pin: revision } } } : {}),
})

const call = (tool, args, options) =>
  v2 ? client.callTool({ name: tool, arguments: args }, options) : client.callTool({ name: tool, arguments: args }, undefined, options)
const answer = r => ({
  text: r.content.map(c => c.text).join('\n'), isError: !!r.isError, structured: !!r.structuredContent, error: r._meta?.['mcp-postgres/error'],
})

// What a line asks for, by op.
const ops = {
  call: async ({ tool, args }, options) => answer(await call(tool, args, options)),
  async progress({ tool, args }) {
    let seen = 0
    return { ...answer(await call(tool, args, { onprogress: () => seen++ })), count: seen }
  },
  async all() {
    const page = await client.listResources()
    const templates = await client.listResourceTemplates()
    const prompts = await client.listPrompts()
    return { count: page.resources.length && templates.resourceTemplates.length && prompts.prompts.length, text: page.resources.map(r => r.uri).join(' ') }
  },
  read: async ({ uri }) => ({ text: (await client.readResource({ uri })).contents[0].text }),
  prompt: async ({ name, args }) => ({ text: (await client.getPrompt({ name, arguments: args })).messages[0].content.text }),
  complete: async ({ uri, name, value }) =>
    ({ text: (await client.complete({ ref: { type: 'ref/resource', uri }, argument: { name, value } })).completion.values.join(' ') }),
  changes: async () => ({ count: changes }),
}

await client.connect(open[transport]())
const { tools } = await client.listTools()
print({ tools: tools.length, text: tools.map(t => t.name).join(' ') })
let abort
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'cancel') {
    abort.abort()
    continue
  }
  abort = new AbortController()
  const request = JSON.parse(line)
  ops[request.op ?? 'call'](request, { signal: abort.signal, timeout: 600_000 }).then(print, e => print({ thrown: String(e) }))
}
await client.close()
