import { FakeClock } from '../fakes/fake-clock.ts'
import {
  day,
  hour,
  type Inhabitant,
  inhabitant,
  minute,
  night,
  SimulatedHost,
} from '../scheduler/simulated-host.ts'
import type { Campaign, CampaignOptions } from './campaign.ts'
import { SeededRandom } from './campaign.ts'

/** One random host and what is wrong with what it did. */
type Case = (random: SeededRandom, say: (violation: string) => void) => Promise<string>

const start = Date.parse('2027-01-10T12:00:00Z')
/** 22 hours without the window, one more in the night of the change to winter time. */
const untilNight = 23 * hour
/** A rotation takes 20 s, and those of the same moment begin one after the other, three a minute. */
const slack = 10 * minute
/** 400 days and no more are for the jumps; nothing may be destroyed within. */
const keepsForever = { overlap: 500 * day, keep: 600 * day }

/**
 * The scheduler on simulated hosts: years pass in seconds, clocks jump, machines sleep and issuers fail. Cases
 * take turns: five years, jumps, suspends, outages.
 */
export const campaign: Campaign = {
  name: 'time',
  slice: 4,
  nightly: 60,
  needs: [],
  async run({ cases, seed, report, note }: CampaignOptions) {
    const kinds: readonly Case[] = [years, jumps, suspends, outage]
    const figures: string[] = []
    for (let index = 0; index < cases; index += 1) {
      const its = seed + index
      const kind = kinds[its % kinds.length] ?? years
      figures.push(await kind(new SeededRandom(its), (violation) => report(violation, its)))
    }
    for (const figure of figures.slice(-kinds.length)) note(figure)
  },
}

/** Five years of 20 materials: every gap between two rotations is as the schedule says, and in its window. */
async function years(random: SeededRandom, say: (violation: string) => void): Promise<string> {
  const inhabitants = population(random, 20)
  const host = await hostOf(inhabitants.map(({ material }) => material))
  host.tick = 6 * hour
  await host.clock.advance(5 * 365 * day)
  for (const { material, least, most } of inhabitants) {
    judgeGaps(host, material.name, least, most, say)
    if (material.window) judgeWindow(host, material.name, say)
  }
  for (const { material, version, late } of [...host.ended, ...host.destroyed]) {
    if (late < 0) say(`${material} version ${version} ended ${-late / hour} hours early`)
  }
  await host.off()
  return `5 years, 20 materials: ${host.rotations.length} rotations, ${host.ended.length} overlaps ended, ${host.destroyed.length} versions destroyed`
}

/**
 * Twelve jumps of up to 400 days that end where they began. There and back again, a material is rotated once at
 * most; wandering, once after each jump, as every one may be a machine whose clock was corrected.
 */
async function jumps(random: SeededRandom, say: (violation: string) => void): Promise<string> {
  const materials = population(random, 12).map(({ material }) => ({ ...material, ...keepsForever }))
  const host = await hostOf(materials)
  await host.clock.advance(40 * day)
  const before = host.rotations.length
  const wanders = random.next() < 0.5
  const distance = () => Math.round((random.next() * 800 - 400) * day)
  const there = distance()
  let away = 0
  for (let jump = 0; jump < 12; jump += 1) {
    const until = jump === 11 ? 0 : wanders ? distance() : jump % 2 === 0 ? there : 0
    const earlier = host.rotations.length
    await host.clock.jump(until - away)
    away = until
    await host.clock.advance(random.below(3 * hour))
    sayTwice(host, earlier, `after a jump to ${(until / day).toFixed(1)} days from now`, say)
  }
  if (!wanders) sayTwice(host, before, `over six jumps of ${(there / day).toFixed(1)} days`, say)
  for (const { material, version } of [...host.ended, ...host.destroyed]) {
    say(`${material} version ${version} was ended or destroyed by a jump`)
  }
  if (!host.suspicions.includes(true)) say('no jump was noticed')
  await host.off()
  return `12 jumps within 400 days: at most 1 rotation of a material each, nothing destroyed`
}

/** A machine that sleeps most of the time catches up once after each sleep and takes none for a jump. */
async function suspends(random: SeededRandom, say: (violation: string) => void): Promise<string> {
  const materials = population(random, 12).map(({ material }) => material)
  const host = await hostOf(materials)
  for (let sleep = 0; sleep < 30; sleep += 1) {
    await host.clock.advance(Math.ceil((1 + random.next()) * day))
    const before = host.rotations.length
    await host.clock.suspend(Math.ceil(random.next() * 90 * day))
    await host.clock.advance(hour)
    sayTwice(host, before, 'within an hour of waking up', say)
  }
  for (const { name, window } of materials) if (window) judgeWindow(host, name, say, true)
  if (host.suspicions.includes(true)) say('a suspend was taken for a jump')
  for (const { material, version, late } of [...host.ended, ...host.destroyed]) {
    if (late < 0) say(`${material} version ${version} ended early`)
  }
  await host.off()
  return `30 suspends of up to 90 days: ${host.rotations.length} rotations, none twice, none taken for a jump`
}

/** 72 hours without the issuer of a 47-day certificate, at a random moment about when it is due. */
async function outage(random: SeededRandom, say: (violation: string) => void): Promise<string> {
  const lead = random.pick(['30d', '15d', '7d', '4d'])
  const tls = inhabitant('tls', { before_expiry: lead }, { lifetime: 47 * day })
  const host = await hostOf([tls])
  const due = host.state.get('tls').due ?? 0
  const from = due - random.below(72 * hour)
  host.outcome = (_, now) => ({
    result: now >= from && now < from + 72 * hour ? 'failed' : 'succeeded',
  })
  const { notAfter = 0 } = host.active('tls')
  await host.clock.advanceTo(notAfter - hour)
  if (host.active('tls').notAfter === notAfter) say(`due ${lead} before its end, it expired`)
  const inADay = ({ at }: { at: number }) =>
    host.rotations.filter((other) => other.at >= at && other.at < at + day).length
  const most = Math.max(...host.rotations.map(inADay))
  if (most > 25) say(`${most} requests to the issuer within a day`)
  await host.off()
  return `72 h outage, certificate of 47 days due ${lead} before its end: at most ${most} requests a day, no expiry`
}

interface Expected {
  readonly material: Inhabitant
  /** Milliseconds between two rotations. */
  readonly least: number
  readonly most: number
}

/** Random materials, at most one in ten of them more often than daily. */
function population(random: SeededRandom, count: number): readonly Expected[] {
  return Array.from({ length: count }, (_, index): Expected => {
    const windowed = random.next() < 0.5
    const rest = windowed ? { window: night } : {}
    const delay = (windowed ? untilNight : 0) + slack
    const days = 10 + random.below(200)
    if (index % 3 === 0) {
      const lifetime = (47 + random.below(350)) * day
      const lead = Math.min(30 * day, lifetime / 3)
      const due = lifetime - lead
      const material = inhabitant(
        `tls-${index}`,
        { before_expiry: '30d' },
        { ...rest, lifetime, keep: 5 * day },
      )
      // At most a twentieth earlier, so that certificates of one day do not stay together.
      return { material, least: due * 0.949, most: due + delay }
    }
    const overlap = random.below(Math.min(days, 30)) * day
    const material = inhabitant(
      `every-${index}`,
      { every: `${days}d` },
      { ...rest, overlap, keep: 2 * overlap },
    )
    return { material, least: days * 0.949 * day - delay, most: days * day + delay }
  })
}

async function hostOf(materials: readonly Inhabitant[]): Promise<SimulatedHost> {
  const host = new SimulatedHost(materials, new FakeClock(start))
  host.tick = 15 * minute
  await host.on()
  return host
}

/** Too long means missed, too short means doubled. */
function judgeGaps(
  host: SimulatedHost,
  name: string,
  least: number,
  most: number,
  say: (violation: string) => void,
): void {
  const moments = [start, ...host.rotationsOf(name).map(({ at }) => at), host.clock.now()]
  moments.slice(1).forEach((at, index) => {
    const gap = at - (moments[index] ?? start)
    const last = index === moments.length - 2
    if (gap > most || (gap < least && !last)) {
      const when = new Date(at).toISOString()
      say(
        `${name}: ${(gap / day).toFixed(2)} days before ${when}, not ${(least / day).toFixed(2)} to ${(most / day).toFixed(2)}`,
      )
    }
  })
}

/** @param unlessLate what has an end and slept past its emergency line does not wait for the night */
function judgeWindow(
  host: SimulatedHost,
  name: string,
  say: (violation: string) => void,
  unlessLate = false,
): void {
  if (unlessLate && name.startsWith('tls')) return
  for (const { at } of host.rotationsOf(name)) {
    const local = berlinHour(at)
    if (local !== 3 && local !== 4) say(`${name} outside its window: ${new Date(at).toISOString()}`)
  }
}

function sayTwice(
  host: SimulatedHost,
  since: number,
  when: string,
  say: (violation: string) => void,
): void {
  const names = host.rotations.slice(since).flatMap(({ materials }) => materials)
  const twice = names.filter((name, index) => names.indexOf(name) !== index)
  if (twice.length > 0) say(`rotated twice ${when}: ${twice.join(', ')}`)
}

/** By the zone's own rules, not by the cron parser's. */
const berlin = new Intl.DateTimeFormat('en', {
  timeZone: 'Europe/Berlin',
  hour: 'numeric',
  hourCycle: 'h23',
})
function berlinHour(moment: number): number {
  return Number(berlin.format(moment))
}
