import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as opaque from '@serenity-kit/opaque'
import type { Found, MadeHere } from '../../src/materials/kind.ts'
import { opaqueSetup } from '../../src/materials/opaque-setup.ts'
import type { Format } from '../../src/model/material.ts'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import { describeKind } from '../contracts/kind.ts'
import { kindContext } from '../support/kind-context.ts'

const kind = opaqueSetup.create({}, kindContext) as MadeHere
const signal = new AbortController().signal
const userIdentifier = 'alice'
const password = 'correct horse'
/** l of RFC 9496 §4.4, little endian. */
const order = 'edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010'

const generate = () => kind.generate({ material: 'opaque', now: 0 }, signal)
const find = (bytes: Uint8Array, part = 'setup', format: Format = 'raw'): Found => ({
  part,
  format,
  bytes: SecretBytes.copyOf(bytes),
  place: 'file /opaque_setup.bin',
})
const adopt = async (...found: Found[]) => kind.adopt?.(found, 'opaque')

describeKind('opaque-setup', () => kind, {
  public: ['public_key'],
  readable: [['setup'], ['setup', 'public_key']],
})

describe('opaque-setup', () => {
  it('lets a user register and log in, and needs a new registration after a new setup', async () => {
    await opaque.ready
    const [setup, next] = [await setupText(), await setupText()]
    const record = register(setup)
    assert.equal(logsIn(setup, record), true)
    assert.equal(logsIn(next, record), false)
    assert.equal(logsIn(next, register(next)), true)
  })

  it('gives the public key that opaque-ke derives', async () => {
    await opaque.ready
    const { parts, attributes } = await generate()
    const setup = (await kind.render(parts, 'setup', 'base64url')).bytes.toString()
    const expected = opaque.server.getPublicKey(setup)
    assert.equal((await kind.render(parts, 'public_key', 'base64url')).bytes.toString(), expected)
    assert.equal(attributes['public_key'], Buffer.from(expected, 'base64url').toString('hex'))
  })

  it('adopts setups of opaque-ke 4', async () => {
    await opaque.ready
    for (let round = 0; round < 10; round++) {
      const setup = opaque.server.createSetup()
      const adopted = await adopt(find(Buffer.from(setup), 'setup', 'base64url'))
      const expected = Buffer.from(opaque.server.getPublicKey(setup), 'base64url')
      assert.deepEqual(adopted?.parts['public_key']?.bytes, expected)
    }
  })

  it('refuses other lengths, scalars that are zero or not canonical, and points that are none', async () => {
    const { parts } = await generate()
    const sound = parts['setup']!.bytes
    const changed = (offset: number, hex: string) => {
      const copy = Buffer.from(sound)
      copy.set(Buffer.from(hex, 'hex'), offset)
      return copy
    }
    await adopt(find(sound))
    for (const bytes of [
      sound.subarray(1),
      Buffer.concat([sound, Buffer.alloc(1)]),
      changed(64, '00'.repeat(32)),
      changed(64, order),
      changed(64, 'ff'.repeat(32)),
      changed(96, '00'.repeat(32)),
      changed(96, 'ff'.repeat(32)),
    ]) {
      await assert.rejects(adopt(find(bytes)), { name: 'OperatorError' })
    }
  })

  it('refuses a public key of another setup', async () => {
    const [mine, other] = [await generate(), await generate()]
    const found = [
      find(mine.parts['setup']!.bytes),
      find(other.parts['public_key']!.bytes, 'public_key'),
    ]
    await assert.rejects(adopt(...found), { name: 'OperatorError' })
  })
})

async function setupText(): Promise<string> {
  const { parts } = await generate()
  return (await kind.render(parts, 'setup', 'base64url')).bytes.toString()
}

const keyStretching = {
  'argon2id-custom': { iterations: 1, memory: 1024, parallelism: 1 },
} as const

function register(serverSetup: string): string {
  const { clientRegistrationState, registrationRequest } = opaque.client.startRegistration({
    password,
  })
  const { registrationResponse } = opaque.server.createRegistrationResponse({
    serverSetup,
    userIdentifier,
    registrationRequest,
  })
  return opaque.client.finishRegistration({
    clientRegistrationState,
    registrationResponse,
    password,
    keyStretching,
  }).registrationRecord
}

function logsIn(serverSetup: string, registrationRecord: string): boolean {
  const { clientLoginState, startLoginRequest } = opaque.client.startLogin({ password })
  const { serverLoginState, loginResponse } = opaque.server.startLogin({
    userIdentifier,
    registrationRecord,
    serverSetup,
    startLoginRequest,
  })
  const client = opaque.client.finishLogin({
    clientLoginState,
    loginResponse,
    password,
    keyStretching,
  })
  if (!client) return false
  const { finishLoginRequest } = client
  const server = opaque.server.finishLogin({ serverLoginState, finishLoginRequest })
  return server.sessionKey === client.sessionKey
}
