import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, chown, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { configPath, readConfigFile } from '../../src/config/config-file.ts'
import { OperatorError } from '../../src/support/operator-error.ts'
import { needs } from '../support/parts.ts'

describe('configPath', () => {
  it('prefers --config to REKEYD_CONFIG to /etc', () => {
    const environment = { REKEYD_CONFIG: '/from/env' }
    assert.equal(configPath('/from/option', environment), '/from/option')
    assert.equal(configPath(undefined, environment), '/from/env')
    assert.equal(configPath(undefined, { REKEYD_CONFIG: '' }), '/etc/rekeyd/rekeyd.yaml')
    assert.equal(configPath(undefined, {}), '/etc/rekeyd/rekeyd.yaml')
  })
})

describe('readConfigFile', () => {
  let folder: string
  let path: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-config-'))
    path = join(folder, 'rekeyd.yaml')
  })
  after(() => rm(folder, { recursive: true }))
  beforeEach(async () => {
    await rm(path, { force: true })
    await writeFile(path, 'mode: observe\n', { mode: 0o640 })
  })

  it('reads a file of ours, also through a link', async () => {
    const link = join(folder, 'link.yaml')
    await symlink(path, link)
    assert.equal(String(await readConfigFile(path)), 'mode: observe\n')
    assert.equal(String(await readConfigFile(link)), 'mode: observe\n')
  })

  for (const mode of [0o660, 0o646, 0o666]) {
    it(`refuses mode ${mode.toString(8)} and says how to correct it`, async () => {
      await chmod(path, mode)
      await refused(path, new RegExp(`mode 0${mode.toString(8)} lets others`), `chmod go-w ${path}`)
    })
  }

  it('refuses a file of another user', needs('root'), async () => {
    await chown(path, 65_534, 0)
    await refused(path, /owned by uid 65534/, `chown root ${path}`)
  })

  it('refuses a folder, a device and a FIFO nobody writes to, at once', async () => {
    const fifo = join(folder, 'fifo')
    execFileSync('/usr/bin/mkfifo', ['-m', '600', fifo])
    await refused(folder, /not a regular file/)
    await refused('/dev/zero', /not a regular file/)
    await refused(fifo, /not a regular file/)
  })

  it('says that there is none', async () => {
    await refused(join(folder, 'absent.yaml'), /no such file/)
  })

  it('takes 1 MiB and not a byte more', async () => {
    const comment = Buffer.alloc(1024 * 1024, '#')
    await writeFile(path, comment)
    assert.equal((await readConfigFile(path)).length, comment.length)
    await writeFile(path, Buffer.concat([comment, Buffer.from('#')]))
    await refused(path, /larger than 1 MiB/)
  })
})

async function refused(path: string, message: RegExp, hint?: string): Promise<void> {
  await assert.rejects(readConfigFile(path), (error) => {
    assert.ok(error instanceof OperatorError)
    assert.equal(error.kind, 'config')
    assert.match(error.message, message)
    if (hint !== undefined) assert.equal(error.hint, hint)
    return true
  })
}
