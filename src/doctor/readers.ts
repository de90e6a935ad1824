import type { DoctorFinding } from '../operations/outlook.ts'
import type { ManagedConsumer, ManagedMaterial } from '../rotation/managed.ts'
import { type Account, userName } from '../support/accounts.ts'
import { hasAcl, impassable, mayRead } from '../support/reading-rights.ts'
import type { Target, TargetFile } from '../targets/target.ts'
import { failure, failureOf, ok, warning } from './finding.ts'
import type { MaterialCheck } from './subject.ts'

const check = 'readable-by-consumer'

/** Whether whoever needs a file could read it after a change, and pass every folder on the way to it. */
export const readers: MaterialCheck = async (material, _subject, signal) => {
  const findings: DoctorFinding[] = []
  for (const target of material.targets) {
    if (target.place.reads === 'command') continue
    // Why it cannot be looked at is said where it is tried to be changed.
    const files = await target.files?.().catch(() => [])
    for (const file of files ?? []) findings.push(...(await judge(material, target, file, signal)))
  }
  return findings
}

/** Of several consumers one may not need it: somebody must be able to read it. */
async function judge(
  { name, consumers }: ManagedMaterial,
  target: Target,
  file: TargetFile,
  signal: AbortSignal,
): Promise<readonly DoctorFinding[]> {
  const found: DoctorFinding[] = []
  for (const managed of consumers) {
    const where = { material: name, consumer: managed.name, place: file.path }
    try {
      const account = await accountOf(managed, target, signal)
      if (account) found.push(await reading(account, file, where))
    } catch (error) {
      found.push(failureOf(check, error, where))
    }
  }
  const good = found.filter(({ level }) => level === 'ok')
  const isShared = found.length > 1 && good.length > 0
  return isShared ? good : found
}

function accountOf({ consumer }: ManagedConsumer, { place }: Target, signal: AbortSignal) {
  return consumer.account?.(place, signal)
}

async function reading(
  account: Account,
  file: TargetFile,
  where: Pick<DoctorFinding, 'material' | 'consumer' | 'place'>,
): Promise<DoctorFinding> {
  const who = await userName(account.uid)
  const folder = await impassable(file.path, account)
  if (folder !== undefined) {
    const message = `${who}, as whom it is read, may not pass ${folder}`
    const hint = `chmod +x ${folder} for ${who}, or use another folder`
    return (await hasAcl(folder))
      ? warning(check, `${message} by its mode`, 'see that its access control list lets it', where)
      : failure(check, message, hint, where)
  }
  if (mayRead(file, account)) return ok(check, `${who} could read it`, where)
  const mode = file.mode.toString(8).padStart(4, '0')
  const message = `${who}, as whom it is read, could not read it: mode ${mode}, owner ${await userName(file.uid)}`
  return failure(check, message, `set owner, group or mode of the target so that ${who} may`, where)
}
