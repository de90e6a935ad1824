import type { Mutant } from './mutant.ts'

/** Backups: made whole, read back, and never a way for what has leaked to come back. */
export const backups: readonly Mutant[] = [
  {
    name: 'copy-of-the-store-is-not-read-back',
    file: 'store/store-copy.ts',
    find: `    const copy = await openDatabase(path, keys.databaseKey)
    copy.close()
`,
    replace: '    void openDatabase\n',
    tests: ['store/place-copy'],
  },
  {
    name: 'placed-copy-is-not-restored',
    file: 'store/place-copy.ts',
    find: "db.exec('UPDATE store SET restored = 1')",
    replace: '',
    tests: ['store/place-copy'],
  },
  {
    name: 'restored-over-a-store-unasked',
    file: 'store/place-copy.ts',
    find: 'if (!replace) refusePresent(stateDir)',
    replace: 'void [replace, refusePresent]',
    tests: ['store/place-copy'],
  },
  {
    name: 'placed-database-before-its-keys',
    file: 'store/place-copy.ts',
    find: `    replaceFile(keyFilePath(stateDir), keyFile)
    renameSync(staged, path)
    syncFolder(stateDir)
`,
    replace: `    renameSync(staged, path)
    syncFolder(stateDir)
    replaceFile(keyFilePath(stateDir), keyFile)
`,
    tests: ['store/place-copy'],
  },
  {
    name: 'placed-name-not-synced',
    file: 'store/place-copy.ts',
    find: `    renameSync(staged, path)
    syncFolder(stateDir)
`,
    replace: `    renameSync(staged, path)
`,
    tests: ['store/place-copy'],
  },
  {
    name: 'backup-not-synced',
    file: 'backup/backup-folder.ts',
    find: `{ mode: 0o600 })
  await opened.sync()
  return`,
    replace: `{ mode: 0o600 })
  return`,
    tests: ['backup/backup-folder'],
  },
  {
    name: 'backup-is-readable-by-others',
    file: 'backup/backup-folder.ts',
    find: 'await opened.write(name, sealed, { mode: 0o600 })',
    replace: 'await opened.write(name, sealed, { mode: 0o644 })',
    tests: ['backup/backup-folder'],
  },
  {
    name: 'leaks-not-noted-beside-the-backups',
    file: 'backup/backup-folder.ts',
    find: 'const known = JSON.stringify(compromised)',
    replace: 'const known = JSON.stringify(compromised.slice(compromised.length))',
    tests: ['backup/backup-folder'],
  },
  {
    name: 'damaged-list-of-leaks-is-none',
    file: 'backup/backup-folder.ts',
    find: 'if (Array.isArray(tags)) return tags.map(String)',
    replace: 'if (Array.isArray(tags)) return tags.map(String)\n    return []',
    tests: ['backup/backup-folder'],
  },
  {
    name: 'old-backups-go-before-the-new-is-there',
    file: 'backup/backups.ts',
    find: `    await this.make(actor)
    await pruneBackups(folder.path, 1)
`,
    replace: `    await pruneBackups(folder.path, 1)
    await this.make(actor)
`,
    tests: ['backup/backup'],
  },
  {
    name: 'newest-backup-is-pruned',
    file: 'backup/backup-folder.ts',
    find: 'listBackups(folder).slice(0, -keep || undefined)',
    replace: 'listBackups(folder).slice(keep)',
    tests: ['backup/backup-folder'],
  },
  {
    name: 'failed-backup-is-not-told',
    file: 'backup/backups.ts',
    find: "events.emit('backup.finished', clock.now(), { ok: false, reason: messageOf(error) })",
    replace: 'void messageOf',
    tests: ['backup/backups'],
  },
  {
    name: 'key-of-a-backup-is-not-wiped',
    file: 'backup/backups.ts',
    find: 'copy.key.wipe()',
    replace: 'void copy.key',
    tests: ['backup/backups'],
  },
]
