import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { Config } from '../../config/config.ts'
import { OperatorError } from '../../support/operator-error.ts'
import { firstRunText, surveyText, withoutRecipient } from '../output/survey.ts'
import { makeStoreOnce } from '../session/make-store-once.ts'
import type { DraftedConfig } from '../session/parts.ts'
import type { Session } from '../session/session.ts'

interface InitFlags {
  readonly root: string
  readonly stdout?: true
  readonly force?: true
  readonly recipient: readonly string[]
}

/** So often a person is asked for a recipient. */
const tries = 3

export function addInit(program: Command, session: Session): void {
  program
    .command('init')
    .description(
      'look at the host, write a config for it and make the store; alone, only the store',
    )
    .argument(
      '[preset]',
      'quicprochat, pilcrow, quptime, ntfy, web-push, mastodon, nginx or generic',
    )
    .option('--root <dir>', 'folder below which the files of the host lie', '/')
    .option('--stdout', 'print the config; write nothing')
    .option('--force', 'replace a config that is there; the old one is kept as .bak')
    .option(
      '--recipient <age>',
      'public key of who can open the backups (may be repeated)',
      (text: string, before: readonly string[]) => [...before, text],
      [],
    )
    .action((preset: string | undefined, flags: InitFlags) =>
      preset === undefined ? makeStore(session) : init(session, preset, flags),
    )
}

async function makeStore(session: Session): Promise<void> {
  const { parts, where } = session
  const config = await parts.loadConfig(where)
  await parts.createStore(config)
  session.answer({ config: config.path, state_dir: config.stateDir }, () => {
    return `made the store in ${config.stateDir}; start with \`rekeyd run --config ${config.path}\`\n`
  })
}

async function init(session: Session, preset: string, flags: InitFlags): Promise<void> {
  const { parts, where, terminal } = session
  for (const recipient of flags.recipient) {
    if (!(await parts.isRecipient(recipient))) throw noRecipient(recipient)
  }
  const root = resolve(terminal.directory, flags.root)
  const force = flags.force === true || flags.stdout === true
  const drafted = await parts.draftConfig(where, { preset, root, force })
  session.note(surveyText(drafted.survey).trimEnd())
  if (flags.stdout) return show(session, preset, drafted, flags.recipient)
  const given = flags.recipient.length > 0
  const recipients = given ? flags.recipient : await askRecipient(session)
  const kept = await parts.writeConfig(drafted, recipients, force)
  const config = await parts.loadConfig({ ...where, config: drafted.path })
  const made = await makeStoreOnce(parts, config)
  conclude(session, { preset, drafted, recipients, kept, made, config })
}

async function askRecipient(session: Session): Promise<readonly string[]> {
  if (!session.interactive) return []
  const question = 'age public key of who can open the backups (age1…, empty for later): '
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const answer = await session.terminal.ask(question)
    if (answer === '') return []
    if (await session.parts.isRecipient(answer)) return [answer]
    session.note('that is not the public key of an age key pair, which `age-keygen` prints')
  }
  return []
}

function show(
  session: Session,
  preset: string,
  drafted: DraftedConfig,
  recipients: readonly string[],
): void {
  const text = drafted.survey.text(recipients)
  session.answer({ ...viewOf(preset, drafted, recipients), text }, () => text)
  session.note(firstRunText(drafted.survey).trimEnd())
  for (const file of drafted.survey.files) session.note(`\n${file.name}:\n${file.text.trimEnd()}`)
}

interface Outcome {
  readonly preset: string
  readonly drafted: DraftedConfig
  readonly recipients: readonly string[]
  /** Where the config before this one is. */
  readonly kept: string | undefined
  /** Whether the store was made now. */
  readonly made: boolean
  readonly config: Config
}

function conclude(session: Session, outcome: Outcome): void {
  const { preset, drafted, recipients, kept, made, config } = outcome
  const view = {
    ...viewOf(preset, drafted, recipients),
    ...(kept !== undefined && { kept }),
    state_dir: config.stateDir,
    store: made ? 'made' : 'kept',
  }
  session.answer(view, () =>
    [
      `wrote ${drafted.path}${kept === undefined ? '' : `; the one before is ${kept}`}\n`,
      ...drafted.survey.files.map(({ name }) => `wrote ${beside(drafted, name)}\n`),
      made
        ? `made the store in ${config.stateDir}\n`
        : `kept the store that is in ${config.stateDir}\n`,
      ...(recipients.length === 0 ? [withoutRecipient] : []),
      firstRunText(drafted.survey),
      `read it, then \`rekeyd run --config ${drafted.path}\`\n`,
    ].join(''),
  )
}

function viewOf(preset: string, drafted: DraftedConfig, recipients: readonly string[]) {
  const { found, unknown, materials, notBefore, files } = drafted.survey
  return {
    preset,
    config: drafted.path,
    found,
    unknown,
    materials: materials.map(({ name, kind, date, when }) => ({ name, kind, first: date ?? when })),
    ...(notBefore !== undefined && { not_before: notBefore }),
    files: files.map(({ name }) => beside(drafted, name)),
    recipients,
  }
}

function beside({ path }: DraftedConfig, name: string): string {
  return join(dirname(path), name)
}

function noRecipient(text: string): OperatorError {
  const secret = text.toUpperCase().startsWith('AGE-SECRET-KEY-')
  return new OperatorError(
    secret
      ? '--recipient is the secret key of an age key pair'
      : '--recipient is not the public key of an age key pair',
    { kind: 'usage', hint: 'give the public key, age1…, which `age-keygen -y key.txt` prints' },
  )
}
