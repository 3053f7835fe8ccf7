// Hosts and frameworks of agents, each with its own client and its own converter of schemas: node hosts.mjs HOST TRANSPORT TARGET. Like
// client.mjs it prints what it declares to a model, does what it reads, one thing a line, and prints what each gives; the line "cancel"
// cancels the last call. What the host has no function for is not among its ops, which the first line names.
import { createInterface } from 'node:readline'

const [, , host, transport, target] = process.argv
const stdio = transport === 'stdio'
const env = { ...process.env }
const print = answer => console.log(JSON.stringify(answer))
for (const level of ['warn', 'error', 'info', 'debug']) console[level] = (...words) => print({ warning: words.map(String).join(' ') })

const text = content => content.filter(c => c.type === 'text').map(c => c.text).join('\n')

// sdk is a client of the TypeScript SDK, connected; hosts below are given one.
async function sdk() {
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js')
  const client = new Client({ name: host, version: '1' })
  if (stdio) {
    const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js')
    await client.connect(new StdioClientTransport({ command: target, args: [], env, stderr: 'ignore' }))
  } else {
    const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js')
    await client.connect(new StreamableHTTPClientTransport(new URL(target)))
  }
  return client
}

// listed is what a host shows of resources and prompts.
const listed = (resources, prompts) => ({ text: resources.map(r => r.uri).join(' '), count: resources.length && prompts.length })

// Each host gives the declarations of its tools, as they go to the API of a model, calls a tool for one, and does what else it can.
const hosts = {
  // The schemas are those that the provider Google writes into a request, which is caught here.
  async 'AI SDK'() {
    const { createMCPClient } = await import('@ai-sdk/mcp')
    const { Experimental_StdioMCPTransport } = await import('@ai-sdk/mcp/mcp-stdio')
    const { createGoogle, createGoogleGenerativeAI } = await import('@ai-sdk/google')
    const { generateText } = await import('ai')
    const client = await createMCPClient({
      transport: stdio ? new Experimental_StdioMCPTransport({ command: target, args: [], env, stderr: 'ignore' }) : { type: 'http', url: target },
    })
    const tools = await client.tools()
    let sent
    const model = (createGoogle ?? createGoogleGenerativeAI)({
      apiKey: 'none',
      fetch: async (_, request) => {
        sent = JSON.parse(request.body)
        return Response.json({ candidates: [{ content: { parts: [{ text: 'ok' }], role: 'model' }, finishReason: 'STOP' }] })
      },
    })('gemini-2.5-pro')
    const { warnings } = await generateText({ model, tools, prompt: 'x' })
    for (const w of warnings ?? []) print({ warning: JSON.stringify(w) })
    return {
      declarations: sent.tools.flatMap(t => t.functionDeclarations).map(d => ({ name: d.name, schema: d.parameters ?? d.parametersJsonSchema })),
      async call({ tool, args }, abortSignal) {
        const r = await tools[tool].execute(args, { toolCallId: '1', messages: [], abortSignal })
        return { text: text(r.content), isError: !!r.isError }
      },
      all: async () => listed((await client.listResources()).resources, (await client.listPrompts()).prompts),
      read: async ({ uri }) => ({ text: (await client.readResource({ uri })).contents[0].text }),
      prompt: async ({ name, args }) => ({ text: (await client.getPrompt({ name, arguments: args })).messages[0].content.text }),
      complete: async ({ uri, name, value }) =>
        ({ text: (await client.complete({ ref: { type: 'ref/resource', uri }, argument: { name, value } })).completion.values.join(' ') }),
      ...(!stdio && { cancel: true }), // over stdio it only waits no more, and does not tell the server
      close: () => client.close(),
    }
  },

  async '@google/genai'() {
    const { mcpToTool } = await import('@google/genai')
    const client = await sdk()
    const callable = mcpToTool(client, {})
    const { functionDeclarations } = await callable.tool()
    return {
      declarations: functionDeclarations.map(d => ({ name: d.name, schema: d.parameters ?? d.parametersJsonSchema })),
      async call({ tool: name, args }) {
        const [part] = await callable.callTool([{ name, args }])
        const r = part.functionResponse.response
        return r.error ? { text: text((r.error.content ?? r.error)), isError: true } : { text: text(r.content), isError: false }
      },
      close: () => client.close(),
    }
  },

  async 'Gemini CLI'() {
    const core = await import('@google/gemini-cli-core')
    const { MCPServerConfig, discoverTools, discoverPrompts, discoverResources, connectToMcpServer } = core
    const config = stdio ? new MCPServerConfig(target, [], env) : new MCPServerConfig(undefined, undefined, undefined, undefined, undefined, target)
    const nothing = new Proxy({}, { get: (_, key) => key === 'then' ? undefined : () => undefined })
    const context = new Proxy({ sanitizationConfig: { allowedEnvironmentVariables: Object.keys(env), blockedEnvironmentVariables: [] } }, {
      get: (own, key) => own[key] ?? (key === 'isTrustedFolder' ? () => true : () => undefined),
    })
    const workspace = { getDirectories: () => [], onDirectoriesChanged: () => () => {} }
    const client = await connectToMcpServer('1', 'postgres', config, false, workspace, context)
    const tools = await discoverTools('postgres', config, client, context, nothing)
    return {
      declarations: tools.map(t => ({ name: t.serverToolName, schema: t.schema.parametersJsonSchema })),
      async call({ tool, args }, abortSignal) {
        const r = await tools.find(t => t.serverToolName === tool).build(args).execute({ abortSignal })
        return { text: typeof r.llmContent === 'string' ? r.llmContent : r.llmContent.map(p => p.text).join('\n'), isError: !!r.error }
      },
      all: async () => listed(await discoverResources('postgres', client, context), await discoverPrompts('postgres', client, context)),
      async prompt({ name, args }) {
        const prompt = (await discoverPrompts('postgres', client, context)).find(p => p.name === name)
        return { text: (await prompt.invoke(args)).messages[0].content.text }
      },
      // A cancelled call is one that it does not wait for: it does not tell the server.
      close: () => client.close(),
    }
  },

  async LangChain() {
    const { MultiServerMCPClient } = await import('@langchain/mcp-adapters')
    const { convertToOpenAITool } = await import('@langchain/core/utils/function_calling')
    let progress = 0, changes = 0
    const client = new MultiServerMCPClient({
      onProgress: () => { progress++ },
      onToolsListChanged: () => { changes++ },
      mcpServers: { postgres: stdio ? { transport: 'stdio', command: target, args: [], env, stderr: 'ignore' } : { transport: 'http', url: target } },
    })
    const tools = await client.getTools()
    return {
      declarations: tools.map(t => convertToOpenAITool(t).function).map(f => ({ name: f.name, schema: f.parameters })),
      async call({ tool, args }, signal) {
        try {
          const r = await tools.find(t => t.name === tool).invoke(args, { signal })
          return { text: Array.isArray(r) ? text(r) : typeof r === 'string' ? r : JSON.stringify(r), isError: false }
        } catch (e) {
          if (signal.aborted) throw e
          return { text: e.message, isError: true }
        }
      },
      all: async () => listed(Object.values(await client.listResources()).flat(), ['which it does not list']),
      read: async ({ uri }) => ({ text: (await client.readResource('postgres', uri))[0].text }),
      async progress(request, signal) {
        const before = progress
        const answer = await this.call(request, signal)
        return { ...answer, count: progress - before }
      },
      ...(stdio && { changes: async () => ({ count: changes }) }),
      cancel: true,
      close: () => client.close(),
    }
  },

  async 'OpenAI Agents'() {
    const { Agent, MCPServerStdio, MCPServerStreamableHttp, getAllMcpTools, RunContext } = await import('@openai/agents')
    const server = stdio ? new MCPServerStdio({ name: 'postgres', command: target, args: [], env }) : new MCPServerStreamableHttp({ name: 'postgres', url: target })
    await server.connect()
    const context = new RunContext()
    const tools = await getAllMcpTools({ mcpServers: [server], convertSchemasToStrict: true, runContext: context, agent: new Agent({ name: 'x' }) })
    return {
      declarations: tools.map(t => ({ name: t.name, schema: t.parameters })),
      async call({ tool, args }, signal) {
        const r = await tools.find(t => t.name === tool).invoke(context, JSON.stringify(args), { signal })
        if (signal.aborted) throw new Error(text([r].flat()))
        return { text: typeof r === 'string' ? r : text([r].flat()), isError: undefined }
      },
      all: async () => listed((await server.listResources()).resources, ['which it does not list']),
      read: async ({ uri }) => ({ text: (await server.readResource(uri)).contents[0].text }),
      cancel: true,
      close: () => server.close(),
    }
  },
}

// untyped names the places of a schema that have no single type: what a converter could not say.
function untyped(schema, at) {
  if (typeof schema !== 'object' || typeof schema.type !== 'string' && !schema.anyOf) return [at]
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, p]) => untyped(p, `${at}.${name}`))
  return schema.items ? [...below, ...untyped(schema.items, `${at}[]`)] : below
}

const h = await hosts[host]()
print({
  tools: h.declarations.length, ops: Object.keys(h),
  untyped: h.declarations.filter(d => d.schema).flatMap(d => untyped(d.schema, d.name)),
})
let abort
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'cancel') {
    abort.abort()
    continue
  }
  abort = new AbortController()
  const request = JSON.parse(line)
  h[request.op ?? 'call'](request, abort.signal).then(print, e => print({ thrown: String(e) }))
}
await h.close()
process.exit(0)
