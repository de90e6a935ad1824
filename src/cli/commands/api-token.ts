import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ApiToken, Scope } from '../../api-tokens/api-token.ts'
import type { Owner } from '../../api-tokens/edit-token-file.ts'
import type { Config } from '../../config/config.ts'
import { namePattern } from '../../model/material.ts'
import type { SecretBytes } from '../../model/secret-bytes.ts'
import type { TokenChange } from '../../operations/views.ts'
import { parseDuration } from '../../support/duration.ts'
import { messageOf, OperatorError } from '../../support/operator-error.ts'
import { absolute, moment } from '../output/moments.ts'
import type { Style } from '../output/style.ts'
import { table } from '../output/table.ts'
import type { Session } from '../session/session.ts'
import { writeSecretFile } from '../session/write-secret-file.ts'

interface AddFlags {
  readonly scope: Scope
  /** Milliseconds. */
  readonly expires: number
  readonly out?: string
  readonly stdout?: true
}

const day = 86_400_000

export function addApiToken(program: Command, session: Session): void {
  const group = program
    .command('api-token')
    .description('tokens for the admin API over TCP (admin.http in the config)')
  group
    .command('add')
    .description('make a token; it is shown once, only its hash is kept')
    .argument('<name>', 'what the audit log calls whoever uses it', tokenName)
    .addOption(
      new Option('--scope <scope>', 'what it may do: each can do what those before it can')
        .choices(['read', 'rotate', 'admin'])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--expires <duration>', 'how long it lasts, at most 3650d')
        .default(90 * day, '90d')
        .argParser(lifetime),
    )
    .option('--out <file>', 'write it to a new file that only you can read')
    .option('--stdout', 'print it although stdout is no terminal')
    .action((name: string, flags: AddFlags) => add(session, name, flags))
  group
    .command('list')
    .description('list the tokens: what they may do, and until when')
    .action(() => list(session))
  group
    .command('revoke')
    .description('take a token away; from the next request on it is refused')
    .argument('<name>', 'token')
    .action((name: string) => revoke(session, name))
}

async function add(session: Session, name: string, flags: AddFlags): Promise<void> {
  const { scope, expires, out } = flags
  refuseHidden(session, flags)
  const config = await session.parts.configInUse(session.where)
  const path = tokensOf(config)
  const [{ hashToken, makeToken }, { addToken }] = await Promise.all([
    import('../../api-tokens/api-token.ts'),
    import('../../api-tokens/edit-token-file.ts'),
  ])
  const secret = makeToken()
  const token: ApiToken = {
    name,
    scope,
    sha256: hashToken(secret.bytes).toString('hex'),
    created: new Date(session.now).toISOString(),
    expires: new Date(session.now + expires).toISOString(),
  }
  const file = out === undefined ? undefined : resolve(session.terminal.directory, out)
  const keep = () => addOwned(config, (owner) => addToken(path, token, owner))
  if (file === undefined) await keep()
  else await writeSecretFile(file, secret, keep)
  await audit(session, { done: 'add', name, scope, expires: token.expires })
  show(session, token, secret, file)
  secret.wipe()
}

/** Nothing is made that would then be shown to nobody, or to everybody who reads a log. */
function refuseHidden({ terminal }: Session, { out, stdout }: AddFlags): void {
  if (out !== undefined && stdout) throw usage('--out and --stdout exclude each other')
  if (out !== undefined || stdout || terminal.terminals.out) return
  throw usage('stdout is no terminal: where shall the token go?')
}

function show(
  session: Session,
  { name, scope, expires }: ApiToken,
  secret: SecretBytes,
  out: string | undefined,
): void {
  const shown = out === undefined ? { token: secret.bytes.toString('latin1') } : { out }
  session.answer({ name, scope, expires, ...shown }, () =>
    out === undefined
      ? `${shown.token}\n`
      : `${name}: wrote the token to ${out} (mode 0600); it may ${scope} until ${absolute(expires)}\n`,
  )
  if (out === undefined) {
    session.note(`${name} may ${scope} until ${absolute(expires)}; this token is not shown again`)
  }
}

async function list(session: Session): Promise<void> {
  const path = tokensOf(await session.parts.configInUse(session.where))
  const [{ readTokens }, { isExpired }] = await Promise.all([
    import('../../api-tokens/token-file.ts'),
    import('../../api-tokens/api-token.ts'),
  ])
  const tokens = (await readTokens(path)).map((token) => {
    const { name, scope, created, expires } = token
    return { name, scope, created, expires, expired: isExpired(token, session.now) }
  })
  session.answer({ tokens }, () => listing(tokens, session.now, session.style))
}

type Listed = Omit<ApiToken, 'sha256'> & { readonly expired: boolean }

function listing(tokens: readonly Listed[], now: number, style: Style): string {
  if (tokens.length === 0) return 'no tokens yet: `rekeyd api-token add NAME --scope read`\n'
  const rows = tokens.map(({ name, scope, created, expires, expired }) => [
    name,
    scope,
    absolute(created),
    expired
      ? { text: `expired ${absolute(expires)}`, colour: 'red' as const }
      : moment(expires, now),
  ])
  return table(['NAME', 'SCOPE', 'CREATED', 'EXPIRES'], rows, style)
}

async function revoke(session: Session, name: string): Promise<void> {
  const path = tokensOf(await session.parts.configInUse(session.where))
  const { revokeToken } = await import('../../api-tokens/edit-token-file.ts')
  await revokeToken(path, name)
  await audit(session, { done: 'revoke', name })
  session.answer({ name, revoked: true }, () => `${name}: revoked\n`)
}

/** The file is changed by then: a log that cannot be written to is told of, and undoes nothing. */
async function audit(session: Session, change: TokenChange): Promise<void> {
  try {
    await session.connected((operations) => operations.tokenChanged(change, session.caller()))
  } catch (error) {
    session.note(`this is not in the audit log: ${messageOf(error)}`)
  }
}

/** Root makes the file for the user that the daemon runs as: whoever owns its folder. */
async function addOwned(config: Config, add: (owner?: Owner) => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return add()
  const { uid, gid } = await stat(config.stateDir).catch(() => ({ uid: 0, gid: 0 }))
  return add({ uid, gid })
}

function tokensOf({ path, http }: Config): string {
  if (http) return http.tokens
  throw new OperatorError(`${path} has no admin.http, so no token would be asked for`, {
    kind: 'config',
    hint: 'add admin: { http: { listen: 127.0.0.1:9471, tokens: /etc/rekeyd/tokens.yaml } }',
  })
}

function tokenName(text: string): string {
  if (namePattern.test(text)) return text
  throw new InvalidArgumentError('It must be lower-case letters, digits and `-`, a letter first.')
}

function lifetime(text: string): number {
  const span = parseDuration(text)
  if (span !== undefined && span <= 3_650 * day) return span
  throw new InvalidArgumentError('It must be a duration such as 90d, and at most 3650d.')
}

function usage(message: string): OperatorError {
  return new OperatorError(message, {
    kind: 'usage',
    hint: '--out FILE writes it to a new file of mode 0600, --stdout prints it',
  })
}
