import type { Mutant } from './mutant.ts'

/** The encrypted store: its commits, lock, fence, marker, audit chain and keys. */
export const store: readonly Mutant[] = [
  {
    name: 'commits-are-not-synced',
    file: 'store/database.ts',
    find: "db.pragma('synchronous = FULL')",
    replace: "db.pragma('synchronous = NORMAL')",
    tests: ['store/guard'],
  },
  {
    name: 'commits-are-not-synced-after-a-note',
    file: 'store/guard.ts',
    find: "db.pragma('synchronous = FULL')",
    replace: "db.pragma('synchronous = NORMAL')",
    tests: ['store/durability'],
  },
  {
    name: 'what-stood-there-is-held-without-a-sync',
    file: 'store/sqlite-journal.ts',
    find: 'guard.change(() => this.#held.replace(this.#open(id), id, held))',
    replace: 'guard.note(() => this.#held.replace(this.#open(id), id, held))',
    tests: ['store/durability'],
  },
  {
    name: 'freed-pages-keep-their-bytes',
    file: 'store/database.ts',
    find: "db.pragma('secure_delete = ON')",
    replace: "db.pragma('secure_delete = OFF')",
    tests: ['store/guard'],
  },
  {
    name: 'store-spills-to-other-disks',
    file: 'store/database.ts',
    find: "db.pragma('temp_store = MEMORY')",
    replace: '',
    tests: ['store/guard'],
  },
  {
    name: 'store-file-is-readable-by-others',
    file: 'store/database.ts',
    find: 'process.umask(0o077)',
    replace: 'process.umask(0o022)',
    tests: ['store/open'],
  },
  {
    name: 'folder-that-others-may-write-to-is-taken',
    file: 'store/store.ts',
    find: '  refuseOpenFolder(stateDir)\n',
    replace: '',
    tests: ['store/open'],
  },
  {
    name: 'stale-executor-writes',
    file: 'store/guard.ts',
    find: '          this.#checkEpoch()\n',
    replace: '',
    tests: ['store/guard'],
  },
  {
    name: 'writes-on-after-an-io-error',
    file: 'store/guard.ts',
    find: 'this.#broken = true',
    replace: '',
    tests: ['store/guard'],
  },
  {
    name: 'audit-rows-outside-of-the-transaction',
    file: 'store/guard.ts',
    find: `    const rows: AuditEntry[] = []
    const result = this.#transaction(() =>
      work((actor, event) => void rows.push(audit.append(actor, event, this.now()))),
    )
`,
    replace: `    const rows: AuditEntry[] = []
    const said: Parameters<RecordAudit>[] = []
    const result = this.#transaction(() => work((...one) => void said.push(one)))
    for (const [actor, event] of said) rows.push(audit.append(actor, event, this.now()))
`,
    tests: ['store/guard'],
  },
  {
    name: 'audit-rows-are-told-before-they-are-durable',
    file: 'store/guard.ts',
    find: `    const result = this.#transaction(() =>
      work((actor, event) => void rows.push(audit.append(actor, event, this.now()))),
    )
    committed(rows)
    return result`,
    replace: `    return this.#transaction(() => {
      const result = work((actor, event) => void rows.push(audit.append(actor, event, this.now())))
      committed(rows)
      return result
    })`,
    tests: ['store/guard'],
  },
  {
    name: 'lock-not-taken',
    file: 'store/lock.ts',
    find: "db.exec('BEGIN EXCLUSIVE')",
    replace: "db.exec('BEGIN')",
    tests: ['store/lock'],
  },
  {
    name: 'marker-not-written-after-a-commit',
    file: 'store/store.ts',
    find: 'unlessItFails(() => mark(marker()))',
    replace: 'void unlessItFails',
    tests: ['store/open'],
  },
  {
    name: 'marker-of-an-opening-is-not-written',
    file: 'store/marker.ts',
    find: `    replaceFile(path, JSON.stringify(marker))
    return true`,
    replace: `    return marker !== undefined`,
    tests: ['store/open'],
  },
  {
    name: 'head-not-compared-with-the-marker',
    file: 'store/entrance.ts',
    find: "if (!audit.contains(marker)) return 'it lacks what the marker has seen: an older copy'",
    replace: '',
    tests: ['store/open'],
  },
  {
    name: 'numbers-are-used-again-after-a-restore',
    file: 'store/entrance.ts',
    find: 'skipNumbers(db, lostRows(row, audit, marker))',
    replace: 'void [skipNumbers, lostRows]',
    tests: ['store/open'],
  },
  {
    name: 'hash-of-a-row-not-verified',
    file: 'store/audit.ts',
    find: 'if (entry.seq !== seq || entry.hash !== this.#hash(previous.hash, entry)) {',
    replace: 'if (entry.seq !== seq) {',
    tests: ['store/audit'],
  },
  {
    name: 'rows-are-not-chained',
    file: 'store/audit.ts',
    find: '.update(canonical([previous, ...fields(row)]))',
    replace: '.update(canonical([previous.slice(64), ...fields(row)]))',
    tests: ['store/audit'],
  },
  {
    name: 'exported-head-not-compared',
    file: 'store/audit.ts',
    find: 'if (!exported || this.contains(exported)) return',
    replace: 'if (!exported || this.contains(previous)) return',
    tests: ['store/audit'],
  },
  {
    name: 'fields-run-together',
    file: 'store/canonical.ts',
    find: 'return [length, bytes]',
    replace: 'return [bytes]',
    tests: ['store/seal'],
  },
  {
    name: 'seal-not-verified',
    file: 'store/seal.ts',
    find: `  } catch {
    plain.wipe()
    return undefined
`,
    replace: `  } catch {
    return plain
`,
    tests: ['store/seal'],
  },
  {
    name: 'destroyed-bytes-stay',
    file: 'store/version-table.ts',
    find: "if (state === 'destroyed') {",
    replace: "if (state === 'prepared') {",
    tests: ['store/tampering'],
  },
  {
    name: 'destroyed-bytes-stay-in-the-log',
    file: 'store/sqlite-key-store.ts',
    find: "if (changes.some(({ event }) => event === 'destroy')) this.#scrubLog()",
    replace: 'void this.#scrubLog',
    tests: ['store/tampering'],
  },
  {
    name: 'compromised-version-becomes-active',
    file: 'store/version-table.ts',
    find: 'if (version.compromised || (event',
    replace: 'if ((event',
    tests: ['store/sqlite-key-store'],
  },
  {
    name: 'becomes-active-before-the-other-has-left',
    file: 'store/version-table.ts',
    find: 'Number(makesActive(a)) - Number(makesActive(b))',
    replace: 'Number(makesActive(b)) - Number(makesActive(a))',
    tests: ['store/sqlite-key-store', 'store/sqlite-journal'],
  },
  {
    name: 'two-versions-are-active',
    file: 'store/version-table.ts',
    find: 'if (active) throw new RangeError(',
    replace: 'if (active?.number === 0) throw new RangeError(',
    tests: ['store/sqlite-key-store'],
  },
  {
    name: 'numbers-are-used-again',
    file: 'store/version-table.ts',
    find: 'ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last',
    replace:
      'ON CONFLICT DO UPDATE SET last = 1 + (SELECT count(*) FROM secrets WHERE material = counters.material) RETURNING last',
    tests: ['store/sqlite-key-store'],
  },
  {
    name: 'two-rotations-of-one-material-are-open',
    file: 'store/sqlite-journal.ts',
    find: '      this.#refuseBusy(intent.members)\n',
    replace: '',
    tests: ['store/sqlite-journal'],
  },
  {
    name: 'what-was-held-stays-after-the-end',
    file: 'store/sqlite-journal.ts',
    find: '      this.#held.drop(seq)\n',
    replace: '',
    tests: ['store/tampering'],
  },
  {
    name: 'schedule-not-in-the-commit-of-the-end',
    file: 'store/sqlite-journal.ts',
    find: 'for (const state of ending.schedules) schedule.write(state)',
    replace: 'void schedule',
    tests: ['store/sqlite-journal'],
  },
  {
    name: 'store-file-not-synced',
    file: 'store/replace-file.ts',
    find: '    fsyncSync(file)\n',
    replace: '',
    tests: ['store/replace-file'],
  },
  {
    name: 'store-file-synced-after-the-rename',
    file: 'store/replace-file.ts',
    find: `    write(staged, content, mode)
    renameSync(staged, path)
`,
    replace: `    writeFileSync(staged, content, { mode, flag: 'wx' })
    renameSync(staged, path)
    syncFolder(path)
    void write
`,
    tests: ['store/replace-file'],
  },
  {
    name: 'store-folder-not-synced',
    file: 'store/replace-file.ts',
    find: '  syncFolder(dirname(path))\n',
    replace: '  void dirname\n',
    tests: ['store/replace-file'],
  },
  {
    name: 'store-file-written-in-place',
    file: 'store/replace-file.ts',
    find: `    write(staged, content, mode)
    renameSync(staged, path)
`,
    replace: `    rmSync(path, { force: true })
    write(path, content, mode)
    void renameSync
`,
    tests: ['store/replace-file'],
  },
  {
    name: 'half-a-store-file-is-left',
    file: 'store/replace-file.ts',
    find: `    rmSync(staged, { force: true })
    throw error
`,
    replace: `    throw error
`,
    tests: ['store/replace-file'],
  },
  {
    name: 'new-store-gets-its-name-before-its-keys',
    file: 'store/create-store.ts',
    find: `    await fill(staged, keys, options.clock)
    await createKeyFile(stateDir, keys, wrapper)
    wipeKeys(keys)
`,
    replace: `    await createKeyFile(stateDir, keys, wrapper)
    await fill(staged, keys, options.clock)
    wipeKeys(keys)
`,
    tests: ['store/replace-file'],
  },
  {
    name: 'name-of-a-new-store-not-synced',
    file: 'store/create-store.ts',
    find: '  syncFolder(stateDir)\n',
    replace: '  void syncFolder\n',
    tests: ['store/replace-file'],
  },
  {
    name: 'present-wrap-dropped-for-the-next',
    file: 'store/key-file.ts',
    find: 'wraps: [...kept, await wrapKeys(keys, next)]',
    replace: 'wraps: [...kept.slice(2), await wrapKeys(keys, next)]',
    tests: ['store/store-key'],
  },
  {
    name: 'wrong-one-of-three-wraps-dropped',
    file: 'store/key-file.ts',
    find: 'others.filter(({ key_id }) => key_id === present.keyId)',
    replace: 'others.filter(({ key_id }) => key_id !== present.keyId)',
    tests: ['store/store-key'],
  },
  {
    name: 'wrap-dropped-before-the-other-is-read-back',
    file: 'store/key-file.ts',
    find: '  wipeKeys(await unwrap(stateDir, file, wrap, wrapper))\n',
    replace: '',
    tests: ['store/store-key'],
  },
  {
    name: 'old-key-dropped-before-a-start-has-shown-the-new',
    file: 'store/store-key-target.ts',
    find: 'if (this.#written.showsAtOnce || wrapIds(this.#stateDir).at(-1) === keyId) return keyId',
    replace: 'if (this.#written || wrapIds(this.#stateDir).at(-1) === keyId) return keyId',
    tests: ['store/store-key-material'],
  },
  {
    name: 'store-key-put-before-it-opens-the-store',
    file: 'store/store-key-target.ts',
    find: 'await wrapAlso(this.#stateDir, readStoreKey(this.#source), wrapperOf(key))',
    replace: 'void [wrapAlso, wrapperOf]',
    tests: ['store/store-key-material'],
  },
  {
    name: 'old-keys-dropped-before-the-database-has-the-new',
    file: 'store/renewal.ts',
    find: `    renameSync(renewedPath(path), path)
    syncFolder(stateDir)
`,
    replace: `    endRenewal(stateDir)
    renameSync(renewedPath(path), path)
    syncFolder(stateDir)
`,
    tests: ['store/renewal'],
  },
  {
    name: 'store-key-that-others-may-read',
    file: 'store/store-key.ts',
    find: 'checkMode(path, status.mode & 0o777, ownFile ? 0o077 : 0o007)',
    replace: 'void [checkMode, ownFile]',
    tests: ['store/store-key'],
  },
  {
    name: 'placeholder-is-taken-for-a-store-key',
    file: 'store/store-key.ts',
    find: '|| bytes.every((byte) => byte === bytes[0])) return',
    replace: ') return',
    tests: ['store/store-key'],
  },
]
