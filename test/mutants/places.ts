import type { Mutant } from './mutant.ts'

/** Files of consumers: replaced whole, durably, with their owner, and never over somebody's edit. */
export const places: readonly Mutant[] = [
  {
    name: 'staged-file-not-synced',
    file: 'support/folder.ts',
    find: '    await file.writeFile(bytes)\n    await file.sync()\n',
    replace: '    await file.writeFile(bytes)\n',
    tests: ['support/atomic-files'],
  },
  {
    name: 'staged-file-synced-before-it-is-written',
    file: 'support/folder.ts',
    find: '    await file.writeFile(bytes)\n    await file.sync()\n',
    replace: '    await file.sync()\n    await file.writeFile(bytes)\n',
    tests: ['support/atomic-files'],
  },
  {
    name: 'sync-not-awaited',
    file: 'support/folder.ts',
    find: '    await file.writeFile(bytes)\n    await file.sync()\n',
    replace: '    await file.writeFile(bytes)\n    void file.sync().catch(() => {})\n',
    tests: ['support/atomic-files'],
  },
  {
    name: 'staged-under-its-name-from-the-start',
    file: 'support/folder.ts',
    find: `        await this.#create(part, bytes, attributes)
        await rename(this.#at(part), this.#at(name))
`,
    replace: `        await rm(this.#at(name), { force: true, recursive: true })
        await this.#create(name, bytes, attributes)
`,
    tests: ['support/atomic-files'],
  },
  {
    name: 'rename-not-synced',
    file: 'support/folder.ts',
    find: `    await this.#try('replace', to, () => rename(this.#at(from), this.#at(to)))
    await this.sync()
`,
    replace: `    await this.#try('replace', to, () => rename(this.#at(from), this.#at(to)))
`,
    tests: ['support/atomic-files'],
  },
  {
    name: 'folder-synced-before-the-rename',
    file: 'support/folder.ts',
    find: `    await this.#try('replace', to, () => rename(this.#at(from), this.#at(to)))
    await this.sync()
`,
    replace: `    await this.sync()
    await this.#try('replace', to, () => rename(this.#at(from), this.#at(to)))
`,
    tests: ['support/atomic-files'],
  },
  {
    name: 'owner-and-mode-not-set',
    file: 'support/folder.ts',
    find: `    await own(file, attributes)
    await file.writeFile(bytes)
`,
    replace: `    await file.writeFile(bytes)
    void attributes
`,
    tests: ['support/atomic-files'],
  },
  {
    name: 'new-file-open-to-others-for-a-moment',
    file: 'support/folder.ts',
    find: 'O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)',
    replace: 'O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644)',
    tests: ['support/atomic-files'],
  },
  {
    name: 'half-a-file-is-left',
    file: 'support/folder.ts',
    find: `        await rm(this.#at(part), { force: true })
        throw error
`,
    replace: `        throw error
`,
    tests: ['support/atomic-files'],
  },
  {
    name: 'link-is-followed-when-read',
    file: 'support/folder.ts',
    find: 'await using file = await open(this.#at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)',
    replace: 'await using file = await open(this.#at(name), O_RDONLY | O_NONBLOCK)',
    tests: ['support/atomic-files'],
  },
  {
    name: 'folder-reached-through-a-link',
    file: 'support/folder.ts',
    find: 'if (folder.#anchored && (await readlink(`/proc/self/fd/${handle.fd}`)) !== path) {',
    replace: 'if (folder.#anchored && (await readlink(`/proc/self/fd/${handle.fd}`)) === "") {',
    tests: ['support/atomic-files'],
  },
  {
    name: 'names-looked-up-anew-each-time',
    file: 'support/folder.ts',
    find: 'return join(this.#anchored ? `/proc/self/fd/${this.#handle.fd}` : this.path, name)',
    replace: 'return join(this.path, name)',
    tests: ['support/atomic-files'],
  },
  {
    name: 'file-that-changes-is-read',
    file: 'support/folder.ts',
    find: 'if (identityOf(after) === identityOf(stats)) return { content, stats }',
    replace: 'if (identityOf(after) !== "") return { content, stats }',
    tests: ['support/atomic-files'],
  },
  {
    name: 'hard-links-are-separated',
    file: 'support/atomic-files.ts',
    find: 'if (stats.nlink > 1n) {',
    replace: 'if (stats.nlink > 9n) {',
    tests: ['support/atomic-files'],
  },
  {
    name: 'folder-that-others-may-write-to',
    file: 'support/atomic-files.ts',
    find: 'await refuseUnsafeParents(dirname(resolved), keeper)',
    replace: 'void [refuseUnsafeParents, keeper]',
    tests: ['support/atomic-files'],
  },
  {
    name: 'sticky-folder-is-safe-for-new-names',
    file: 'support/safe-path.ts',
    find: 'const guarded = !last && (mode & sticky) !== 0',
    replace: 'const guarded = (mode & sticky) !== 0 || (last && mode === 0)',
    tests: ['support/atomic-files'],
  },
  {
    name: 'own-state-is-a-target',
    file: 'targets/live-file.ts',
    find: 'const problem = isWithin(resolved, resolveEarly(stateDir))',
    replace: 'const problem = isWithin(resolved, `${resolveEarly(stateDir)}/x`)',
    tests: ['targets/file'],
  },
  {
    name: 'mode-of-the-live-file-not-kept',
    file: 'targets/live-file.ts',
    find: 'const present: FileAttributes = found ? attributesOf(found) : { mode: newFileMode }',
    replace:
      'const present: FileAttributes = found ? { ...attributesOf(found), mode: newFileMode } : { mode: newFileMode }',
    tests: ['targets/file'],
  },
  {
    name: 'owner-of-the-live-file-not-kept',
    file: 'targets/live-file.ts',
    find: 'const present: FileAttributes = found ? attributesOf(found) : { mode: newFileMode }',
    replace:
      'const present: FileAttributes = { mode: found ? attributesOf(found).mode : newFileMode }',
    tests: ['targets/file'],
  },
  {
    name: 'new-file-is-readable-by-others',
    file: 'targets/live-file.ts',
    find: 'const newFileMode = 0o600',
    replace: 'const newFileMode = 0o644',
    tests: ['targets/file'],
  },
  {
    name: 'edit-since-staging-is-lost',
    file: 'targets/keyed-file.ts',
    find: 'const isStaged = isAsHeld(live, held) && (await this.#holds(staged?.content, move))',
    replace: 'void [isAsHeld, held]\n    const isStaged = await this.#holds(staged?.content, move)',
    tests: ['targets/file'],
  },
  {
    name: 'staged-file-is-not-read-back',
    file: 'targets/keyed-file.ts',
    find: 'const isStaged = isAsHeld(live, held) && (await this.#holds(staged?.content, move))',
    replace: 'const isStaged = isAsHeld(live, held) && staged !== undefined',
    tests: ['targets/file'],
  },
  {
    name: 'already-live-is-not-synced',
    file: 'targets/keyed-file.ts',
    find: 'return await live.folder.sync()',
    replace: 'return',
    tests: ['targets/durability'],
  },
  {
    name: 'somebody-elses-value-is-withdrawn',
    file: 'targets/keyed-file.ts',
    find: 'if (!live.found || !(await this.#holds(live.found.content, move))) return',
    replace: 'if (!live.found) return',
    tests: ['targets/file', 'targets/env'],
  },
  {
    name: 'edit-beside-is-lost-when-withdrawn',
    file: 'targets/keyed-file.ts',
    find: 'if (held && (await this.#wrote(before, move, content))) {',
    replace: 'if (held && before !== null) {',
    tests: ['targets/env'],
  },
  {
    name: 'removal-not-synced',
    file: 'targets/keyed-file.ts',
    find: `    await live.folder.remove(live.name)
    await live.folder.sync()
`,
    replace: `    await live.folder.remove(live.name)
`,
    tests: ['targets/durability'],
  },
  {
    name: 'variable-set-twice-is-taken',
    file: 'targets/variable.ts',
    find: 'if (!found || !second) return found',
    replace: 'if (!found || second !== undefined || !second) return found',
    tests: ['targets/env'],
  },
  {
    name: 'generation-not-synced',
    file: 'targets/generation.ts',
    find: '    await made.sync()\n',
    replace: '',
    tests: ['targets/durability'],
  },
  {
    name: 'other-files-not-carried-over',
    file: 'targets/file-set.ts',
    find: 'if (live !== undefined) await carryOver(folder, live, generation, this.#entries)',
    replace: '',
    tests: ['targets/file-set'],
  },
  {
    name: 'carried-over-files-not-synced',
    file: 'targets/generation.ts',
    find: '  await to.sync()\n',
    replace: '',
    tests: ['targets/durability'],
  },
  {
    name: 'edit-of-a-set-is-lost',
    file: 'targets/file-set.ts',
    find: 'if (!before.equals(held) || !(await this.#holds(folder, generation, move.edition))) {',
    replace: 'if (!(await this.#holds(folder, generation, move.edition))) {',
    tests: ['targets/file-set'],
  },
  {
    name: 'link-of-a-set-removed-before-the-new-one',
    file: 'targets/file-set.ts',
    find: `    await folder.link(link, destination)
    await folder.switch(link, this.#name)
`,
    replace: `    await folder.remove(this.#name)
    await folder.link(link, destination)
    await folder.switch(link, this.#name)
`,
    tests: ['targets/durability'],
  },
  {
    name: 'edit-behind-a-program-is-lost',
    file: 'targets/command.ts',
    find: 'if (!isSame(live, decodeHeld(held))) throw',
    replace: 'if (!isSame(live, decodeHeld(held)) && !live) throw',
    tests: ['targets/command'],
  },
  {
    name: 'secret-for-a-program-is-not-zeroed',
    file: 'support/run-command.ts',
    find: '    overwrite(descriptor, Buffer.alloc(length))\n',
    replace: '',
    tests: ['support/run-command'],
  },
  {
    name: 'only-the-leader-is-killed',
    file: 'support/run-command.ts',
    find: "if (killing) killGroup(child, 'SIGKILL')",
    replace: '',
    tests: ['support/run-command'],
  },
  {
    name: 'program-gets-our-environment',
    file: 'support/run-command.ts',
    find: 'env: { ...request.environment },',
    replace: 'env: { ...process.env, ...request.environment },',
    tests: ['support/run-command'],
  },
  {
    name: 'file-that-others-wrote-is-trusted',
    file: 'support/trusted-file.ts',
    find: 'if ((mode & 0o022) !== 0) {',
    replace: 'if ((mode & 0o002) !== 0) {',
    tests: ['api-tokens/token-file'],
  },
]
