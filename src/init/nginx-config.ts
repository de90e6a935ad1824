import { dirname, join, resolve } from 'node:path'
import type { Host } from './host.ts'

/** As deep as includes are followed, and as many files as are read. */
const deepest = 8
const mostFiles = 500

/** A `server` block that has a certificate. Paths as nginx takes them. */
export interface TlsServer {
  readonly certificate: string
  readonly key: string
  readonly names: readonly string[]
  /** Where it serves TLS, for a client on this host: `127.0.0.1:443`. */
  readonly address: string
}

type Statement = { readonly words: readonly string[]; readonly block?: readonly Statement[] }

/** The TLS servers of an nginx configuration, includes followed. */
export function tlsServers(host: Host, path: string): readonly TlsServer[] {
  const statements = readConfig(host, path, dirname(path), { files: 0 }, 0)
  return blocksOf(statements, 'server').flatMap((block) => serverOf(block, dirname(path)))
}

function readConfig(
  host: Host,
  path: string,
  prefix: string,
  count: { files: number },
  depth: number,
): readonly Statement[] {
  count.files += 1
  if (count.files > mostFiles || depth > deepest) return []
  const text = host.text(path)
  if (text === undefined) return []
  const includes = (statements: readonly Statement[]): readonly Statement[] =>
    statements.flatMap((statement) => {
      const { words, block } = statement
      if (block) return [{ words, block: includes(block) }]
      if (words[0] !== 'include') return [statement]
      const pattern = resolve(prefix, words[1] ?? '')
      return matching(host, pattern).flatMap((file) =>
        readConfig(host, file, prefix, count, depth + 1),
      )
    })
  return includes(parse(tokens(text)))
}

/** `*` in the last part only, as configurations have it. */
function matching(host: Host, pattern: string): readonly string[] {
  const folder = dirname(pattern)
  const name = pattern.slice(folder === '/' ? 1 : folder.length + 1)
  if (!name.includes('*')) return [pattern]
  const [before = '', ...rest] = name.split('*')
  const after = rest.at(-1) ?? ''
  return host
    .names(folder)
    .filter(
      (one) =>
        one.startsWith(before) && one.endsWith(after) && one.length >= before.length + after.length,
    )
    .map((one) => join(folder, one))
}

/** Words, and `;`, `{`, `}` by themselves; comments left out. */
function tokens(text: string): readonly string[] {
  const pattern =
    /#[^\n]*|"((?:\\[^]|[^"\\])*)"|'((?:\\[^]|[^'\\])*)'|[;{}]|(?:\\[^]|[^\s;{}"'\\])+/g
  return [...text.matchAll(pattern)]
    .filter(([whole]) => !whole.startsWith('#'))
    .map(([whole, double, single]) => double ?? single ?? whole)
}

function parse(words: readonly string[]): readonly Statement[] {
  const open: { statements: Statement[]; words: string[] }[] = [{ statements: [], words: [] }]
  let pending: string[] = []
  for (const word of words) {
    if (!';{}'.includes(word)) {
      pending.push(word)
      continue
    }
    if (word === '{') open.push({ statements: [], words: pending })
    else if (word === ';') open.at(-1)?.statements.push({ words: pending })
    else close(open)
    pending = []
  }
  return open[0]?.statements ?? []
}

/** A brace too many closes nothing. */
function close(open: { statements: Statement[]; words: string[] }[]): void {
  const inner = open.length > 1 ? open.pop() : undefined
  if (inner) open.at(-1)?.statements.push({ words: inner.words, block: inner.statements })
}

function blocksOf(
  statements: readonly Statement[],
  name: string,
): readonly (readonly Statement[])[] {
  return statements.flatMap(({ words, block }) => {
    if (!block) return []
    return words[0] === name ? [block] : blocksOf(block, name)
  })
}

function serverOf(block: readonly Statement[], prefix: string): readonly TlsServer[] {
  const values = (name: string) =>
    block.filter(({ words }) => words[0] === name).map(({ words }) => words.slice(1))
  const certificate = values('ssl_certificate')[0]?.[0]
  const key = values('ssl_certificate_key')[0]?.[0]
  // With variables in it, nginx chooses the file at each handshake.
  if (!certificate || !key || /\$|^(?:data|engine|store):/.test(certificate + key)) return []
  const names = values('server_name').flat()
  return [
    {
      certificate: resolve(prefix, certificate),
      key: resolve(prefix, key),
      names: names.filter((name) => /^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(name)),
      address: addressOf(values('listen')),
    },
  ]
}

/** Of the addresses with TLS one of IPv4, if there is any; `*` and the like are this host. */
function addressOf(listens: readonly (readonly string[])[]): string {
  const secure = listens.filter((words) => words.includes('ssl')).map(([first = '']) => first)
  const [chosen = '443'] = [...secure.filter((one) => !one.startsWith('[')), ...secure]
  const [, host = '*', port = '443'] = /^(?:(\[[0-9a-f:.]+\]|[\w.*-]+):)?(\d+)$/i.exec(chosen) ?? []
  if (host === '[::]') return `[::1]:${port}`
  return `${['*', '0.0.0.0'].includes(host) ? '127.0.0.1' : host}:${port}`
}
