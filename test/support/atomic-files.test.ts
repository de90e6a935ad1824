import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmod,
  chown,
  type FileHandle,
  link,
  lstat,
  mkdir,
  mkdtemp,
  open as openFile,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, beforeEach, describe, it, mock } from 'node:test'
import { inspectPath, stageFile, switchFile, syncFolder } from '../../src/support/atomic-files.ts'
import { Folder } from '../../src/support/folder.ts'
import { OperatorError } from '../../src/support/operator-error.ts'
import { pathProblem } from '../../src/support/safe-path.ts'
import { RecordedDisk } from '../fakes/recorded-disk.ts'
import { needs } from './parts.ts'

const folders: string[] = []
let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekeyd-files-'))
  folders.push(folder)
})
after(async () => {
  for (const path of folders) await rm(path, { recursive: true, force: true })
})

const at = (...names: string[]) => join(folder, ...names)

describe('atomic files', () => {
  it('stages beside the live file and switches it in one step', async () => {
    const live = at('key')
    await writeFile(live, 'old')
    const staged = await stageFile(live, 'r1', Buffer.from('new'), { mode: 0o640 })
    assert.equal(staged, at('.key.rekeyd-r1'))
    assert.equal(await readFile(live, 'utf8'), 'old')
    await switchFile(staged, live)
    assert.equal(await readFile(live, 'utf8'), 'new')
    assert.equal((await lstat(live)).mode & 0o777, 0o640)
    assert.deepEqual(await readdir(folder), ['key'])
    await syncFolder(folder)
  })

  it('are made for us alone, owned, written and synced before they have a name, and switched with their folder', async () => {
    using disk = await RecordedDisk.record()
    const staged = await stageFile(at('key'), 'r1', Buffer.from('new'), { mode: 0o640 })
    await switchFile(staged, at('key'))
    assert.deepEqual(disk.log, [
      'create .key.rekeyd-r1.part 600',
      'own .key.rekeyd-r1.part',
      'write .key.rekeyd-r1.part',
      'sync .key.rekeyd-r1.part',
      'rename .key.rekeyd-r1.part .key.rekeyd-r1',
      'rename .key.rekeyd-r1 key',
      `sync ${basename(folder)}`,
    ])
  })

  for (const effect of ['own', 'write', 'sync', 'rename']) {
    it(`leave nothing, and the live file as it is, when the disk fails to ${effect}`, async () => {
      await writeFile(at('key'), 'old')
      using disk = await RecordedDisk.record()
      const staged = '.key.rekeyd-r1.part'
      disk.fail(effect === 'rename' ? `rename ${staged} .key.rekeyd-r1` : `${effect} ${staged}`)
      await assert.rejects(stageFile(at('key'), 'r1', Buffer.from('new'), { mode: 0o600 }), /EIO/)
      assert.deepEqual(await readdir(folder), ['key'])
      assert.equal(await readFile(at('key'), 'utf8'), 'old')
    })
  }

  it('replaces what an earlier try left, whatever it is', async () => {
    await mkdir(at('.key.rekeyd-r1.part'))
    await symlink('/etc/passwd', at('.key.rekeyd-r1'))
    const staged = await stageFile(at('key'), 'r1', Buffer.from('new'), { mode: 0o600 })
    assert.equal(await readFile(staged, 'utf8'), 'new')
    assert.match(await readFile('/etc/passwd', 'utf8'), /^root:/)
  })

  it('gives owner and group where it may', needs('root'), async () => {
    const staged = await stageFile(at('key'), 'r1', Buffer.from('x'), {
      uid: 1,
      gid: 2,
      mode: 0o440,
    })
    const { uid, gid, mode } = await lstat(staged)
    assert.deepEqual([uid, gid, mode & 0o777], [1, 2, 0o440])
  })

  it(
    'leaves nothing when the disk is full, and the live file as it is',
    needs('mount'),
    async () => {
      const script = [
        `mount -t tmpfs -o size=128k,mode=755 none "$1" && echo old > "$1/key"`,
        `"$2" --input-type=module -e 'import { stageFile } from "${import.meta.resolve('../../src/support/atomic-files.ts')}"
        await stageFile(process.argv[1] + "/key", "r1", Buffer.alloc(1e6), { mode: 0o600 }).catch((e) => console.log(e.message, e.hint))' "$1"`,
        `ls -A "$1"; cat "$1/key"`,
      ].join('; ')
      const output = execFileSync('unshare', [
        '-m',
        'sh',
        '-c',
        script,
        'sh',
        folder,
        process.execPath,
      ])
      assert.equal(
        output.toString(),
        `cannot write ${at('.key.rekeyd-r1')}: no space left on device (ENOSPC) free space on this file system\nkey\nold\n`,
      )
    },
  )

  it('gives nobody a file that changes while it is read', async () => {
    await writeFile(at('key'), 'old')
    await using handle = await openFile(at('key'))
    const real = Reflect.get(handle, 'read') as (...args: unknown[]) => Promise<unknown>
    const shared = Object.getPrototypeOf(handle) as FileHandle
    const changing = mock.method(
      shared,
      'read',
      async function change(this: FileHandle, ...args: never) {
        await writeFile(at('key'), 'newer')
        return real.apply(this, args)
      },
    )
    await using open = await Folder.open(folder)
    await assert.rejects(open.read('key', 10), {
      kind: 'busy',
      message: /changes while it is read/,
    })
    changing.mock.restore()
    assert.equal((await open.read('key', 10))?.content.toString(), 'newer')
  })

  it('does not follow a folder that was swapped for a link', async () => {
    await mkdir(at('real'))
    await mkdir(at('elsewhere'))
    await using open = await Folder.open(at('real'))
    await rename(at('real'), at('moved'))
    await symlink('elsewhere', at('real'))
    await open.write('key', Buffer.from('x'), { mode: 0o600 })
    assert.deepEqual(await readdir(at('elsewhere')), [])
    assert.deepEqual(await readdir(at('moved')), ['key'])
    await assert.rejects(Folder.open(at('real')), /cannot open/)
    await mkdir(at('elsewhere/inner'))
    await assert.rejects(Folder.open(at('real/inner')), /reached through a symbolic link/)
  })

  it('reads only what is a regular file of bearable size', async () => {
    await using open = await Folder.open(folder)
    execFileSync('mkfifo', [at('pipe')])
    await assert.rejects(open.read('pipe', 10), /is not a regular file/)
    await writeFile(at('large'), 'x'.repeat(11))
    await assert.rejects(open.read('large', 10), /is too large/)
    assert.equal(await open.read('absent', 10), undefined)
    await symlink('large', at('link'))
    await assert.rejects(open.read('link', 100), /cannot read .*link/)
    assert.equal((await open.read('large', 11))?.content.length, 11)
  })
})

describe('a path that is to be replaced', () => {
  const refused = async (path: string, message: RegExp) =>
    assert.rejects(inspectPath(path), (error: unknown) => {
      assert.ok(error instanceof OperatorError)
      assert.match(error.message, message)
      return true
    })

  it('may be absent, present, or behind links that stay links', async () => {
    assert.deepEqual(await inspectPath(at('absent')), { path: at('absent') })
    await mkdir(at('real'))
    await writeFile(at('real/key'), 'x')
    await symlink('real', at('folder'))
    await symlink('folder/key', at('link'))
    for (const name of ['real/key', 'folder/key', 'link']) {
      const { path, stats } = await inspectPath(at(name))
      assert.equal(path, at('real/key'))
      assert.equal(stats?.size, 1n)
    }
  })

  it('is refused when a link leads nowhere or in a circle', async () => {
    await symlink('nowhere', at('dangling'))
    await symlink('circle', at('circle'))
    await refused(at('dangling'), /dangling is a symbolic link that leads nowhere$/)
    await refused(at('circle'), /circle is a symbolic link that leads in a circle$/)
    await refused(
      at('no/such/folder'),
      /cannot find .*no\/such: no such file or directory \(ENOENT\)$/,
    )
  })

  it('is refused when a link leads to a name that is no text, which would be that of another file', async () => {
    const odd = Buffer.concat([Buffer.from(at('caf')), Buffer.from([0xe9])])
    await writeFile(odd, 'x')
    await symlink(odd, at('link'))
    await refused(at('link'), /link leads to a name that is not UTF-8$/)
    await rm(odd)
    await mkdir(odd)
    await refused(at('link/new'), /link leads to a name that is not UTF-8$/)
    await using opened = await Folder.open(folder)
    await assert.rejects(opened.readLink('link'), /link leads to a name that is not UTF-8$/)
  })

  it('is refused when it is no regular file', async () => {
    execFileSync('mkfifo', [at('pipe')])
    await refused(at('pipe'), /pipe is a named pipe, not a regular file$/)
    await refused(folder, /is a directory, not a regular file$/)
    await refused('/dev/null', /is a device, not a regular file$/)
    const server = createServer()
    await new Promise<void>((resolve) => void server.listen(at('socket'), resolve))
    await refused(at('socket'), /is a socket, not a regular file$/)
    server.close()
  })

  it('is refused when it has a second name', async () => {
    await writeFile(at('key'), 'x')
    await link(at('key'), at('other'))
    await refused(at('key'), /key has 2 names/)
  })

  it('is refused when others may write to a folder on the way', async () => {
    await mkdir(at('open/inner'), { recursive: true })
    await chmod(at('open'), 0o777)
    await refused(at('open/inner/key'), /open is writable by other users$/)
    await chmod(at('open'), 0o1777)
    await inspectPath(at('open/inner/key'))
    await refused(at('open/key'), /open is writable by other users$/)
  })

  it(
    'is refused when its folder belongs to somebody else than its owner',
    needs('root'),
    async () => {
      await mkdir(at('theirs'))
      await chown(at('theirs'), 2, 2)
      await refused(at('theirs/key'), /theirs belongs to bin, who could replace/)
      await inspectPath(at('theirs/key'), 2)
      await assert.rejects(inspectPath(at('theirs/key'), 3), /belongs to bin/)
    },
  )

  it(
    'may lie in a folder that only the owner’s own group may write to',
    needs('root'),
    async () => {
      await mkdir(at('grouped'))
      await chown(at('grouped'), 2, 2)
      await chmod(at('grouped'), 0o775)
      await inspectPath(at('grouped/key'), 2)
      await chown(at('grouped'), 2, 1)
      await assert.rejects(inspectPath(at('grouped/key'), 2), /writable by other users/)
    },
  )

  it('is refused when it is mounted by itself', needs('mount'), () => {
    const script = [
      'touch "$1/a file" "$1/other"; mount --bind "$1/other" "$1/a file"',
      `"$2" --input-type=module -e 'import { inspectPath } from "${import.meta.resolve('../../src/support/atomic-files.ts')}"
        await inspectPath(process.argv[1] + "/a file").catch((e) => console.log(e.message, "/", e.hint))' "$1"`,
    ].join('; ')
    const output = execFileSync('unshare', [
      '-m',
      'sh',
      '-c',
      script,
      'sh',
      folder,
      process.execPath,
    ])
    assert.equal(
      output.toString(),
      `${at('a file')} is mounted as a single file and cannot be replaced / mount the folder ${folder} instead\n`,
    )
  })

  it('is refused by its text alone when it can never be right', () => {
    const problems = [
      ['relative/key', /absolute/],
      ['/a/../b', /'\.\.'/],
      ['/a//b', /'\/\/'/],
      ['/a/./b', /'\.'/],
      ['/a/b/', /end in/],
      ['/a\0b', /NUL/],
      ['/proc/1/mem', /never writes/],
      ['/dev', /never writes/],
      ['/etc/shadow', /never writes/],
      [`/${'x'.repeat(161)}`, /longer/],
      [`/${'xxxx/'.repeat(800)}x`, /longer/],
      ['/a/.key.rekeyd-r1', /marks/],
    ] as const
    for (const [path, message] of problems) assert.match(pathProblem(path) ?? '', message, path)
    for (const path of ['/a', '/processes/x', '/a/..b', '/devices/x', '/etc/passwd.d/x']) {
      assert.equal(pathProblem(path), undefined)
    }
  })
})
