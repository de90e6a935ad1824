import type { RemarkLevel } from '../../model/remark.ts'
import type { DoctorFinding, DoctorView } from '../../operations/outlook.ts'
import { type Colour, plain, type Style } from './style.ts'

const headings: Readonly<Record<'failure' | 'warning', readonly [title: string, colour: Colour]>> =
  {
    failure: ['would fail', 'red'],
    warning: ['should not stay so', 'yellow'],
  }

/** What was found, the worst first, a line each and its hint; what is well is only counted. */
export function doctorText({ findings, user, daemon }: DoctorView, style: Style): string {
  const of = (level: RemarkLevel) => findings.filter((finding) => finding.level === level)
  const well = of('ok').length
  const who = daemon ? `the daemon, as ${user}` : `this process, as ${user}; no daemon runs`
  return [
    ...(['failure', 'warning'] as const).map((level) => group(level, of(level), style)),
    `${style('green', `${well} ${well === 1 ? 'check is' : 'checks are'} fine`)} (looked: ${plain(who)})\n`,
  ].join('')
}

function group(level: keyof typeof headings, findings: readonly DoctorFinding[], style: Style) {
  if (findings.length === 0) return ''
  const [title, colour] = headings[level]
  return `${style(colour, `${findings.length} ${title}`)}\n${findings.map(lines).join('')}\n`
}

function lines({ material, consumer, place, check, message, hint }: DoctorFinding): string {
  const where = [material, consumer, place].filter((word) => word !== undefined).join(' ')
  const subject = where === '' ? '' : `${plain(where)}: `
  const said = `  ${subject}${plain(message)} [${check}]\n`
  return hint === undefined ? said : `${said}    hint: ${plain(hint)}\n`
}
