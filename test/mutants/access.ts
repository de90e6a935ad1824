import type { Mutant } from './mutant.ts'

/** Who may ask for what. */
export const access: readonly Mutant[] = [
  {
    name: 'scope-not-checked',
    file: 'admin/tcp-guard.ts',
    find: 'if (!allows(found.scope, scope)) return',
    replace: 'if (!allows(found.scope, "read")) return',
    tests: ['admin/access'],
  },
  {
    name: 'lesser-scope-allows-all',
    file: 'api-tokens/api-token.ts',
    find: 'return scopes.indexOf(held) >= scopes.indexOf(needed)',
    replace: 'return scopes.indexOf(held) <= scopes.indexOf(needed)',
    tests: ['admin/access'],
  },
  {
    name: 'host-not-checked',
    file: 'admin/tcp-guard.ts',
    find: "if (!raw.url?.startsWith('/') || !isForUs(headers.host, raw.socket)) return misdirected",
    replace: "if (!raw.url?.startsWith('/')) return misdirected",
    tests: ['admin/listen-http', 'admin/hostile-requests'],
  },
  {
    name: 'any-host-is-ours',
    file: 'admin/host-check.ts',
    find: 'return isLoopback(bare) || ours.includes(bare) || names.includes(written)',
    replace: 'return isLoopback(bare) || ours.length > 0 || names.includes(written)',
    tests: ['admin/host-check'],
  },
  {
    name: 'expired-token-is-taken',
    file: 'admin/authentication.ts',
    find: "return isExpired(token, clock.now()) ? { refused: 'expired' } : { token }",
    replace: "return isExpired(token, 0) ? { refused: 'expired' } : { token }",
    tests: ['admin/authentication'],
  },
  {
    name: 'mark-waits-for-recovery',
    file: 'operations/compromising.ts',
    find: `  const marked = engine.markCompromised(name, options.on_failure, caller)
  try {
`,
    replace: `  await parts.recover()
  const marked = engine.markCompromised(name, options.on_failure, caller)
  try {
`,
    tests: ['operations/compromising'],
  },
  {
    name: 'wipe-does-nothing',
    file: 'model/secret-bytes.ts',
    find: '    this.#bytes.fill(0)\n  }\n\n  toString',
    replace: '    void this.#bytes\n  }\n\n  toString',
    tests: ['model/secret-bytes'],
  },
  {
    name: 'leaked-version-can-be-given-back',
    file: 'model/lifecycle.ts',
    find: 'return !version.compromised && lifecycle[version.state].reactivate !== undefined',
    replace: 'return lifecycle[version.state].reactivate !== undefined',
    tests: ['model/lifecycle'],
  },
]
