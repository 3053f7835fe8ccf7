// An MCP client on the official TypeScript SDK: node client.mjs PACKAGE REVISION TRANSPORT TARGET. It lists the tools, as hosts do,
// and makes the calls that it reads, one a line; a call is cancelled when the line "cancel" comes. It prints what each gives.
import { createInterface } from 'node:readline'

const [, , sdk, revision, transport, target] = process.argv
const v2 = sdk === '@modelcontextprotocol/client'
const all = v2
  ? { ...(await import(sdk)), ...(await import(sdk + '/stdio')) }
  : { ...(await import(sdk + '/client/index.js')), ...(await import(sdk + '/client/stdio.js')),
      ...(await import(sdk + '/client/streamableHttp.js')), ...(await import(sdk + '/client/sse.js')) }
const open = {
  stdio: () => new all.StdioClientTransport({ command: target, args: [], env: process.env, stderr: 'ignore' }),
  'streamable-http': () => new all.StreamableHTTPClientTransport(new URL(target)),
  sse: () => new all.SSEClientTransport(new URL(target)),
}
const options = v2 ? { versionNegotiation: { mode: revision < '2026' ? 'legacy' : { pin: revision } } } : {}
const client = new all.Client({ name: 'sdktest', version: '1' }, options)
const print = answer => console.log(JSON.stringify(answer))

await client.connect(open[transport]())
print({ tools: (await client.listTools()).tools.length })
let abort
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'cancel') {
    abort.abort()
    continue
  }
  abort = new AbortController()
  const options = { signal: abort.signal }
  const { tool, args } = JSON.parse(line)
  const params = { name: tool, arguments: args }
  const call = v2 ? client.callTool(params, options) : client.callTool(params, undefined, options)
  call.then(r => print({ text: r.content[0].text, isError: !!r.isError, structured: !!r.structuredContent, error: r._meta?.['mcp-postgres/error'] }),
    e => print({ thrown: String(e) }))
}
await client.close()
