import type { Mutant } from './mutant.ts'

/** The order of a rotation's steps, its journal, its way back and its recovery. */
export const rotation: readonly Mutant[] = [
  {
    name: 'journal-after-the-step',
    file: 'rotation/steps.ts',
    find: `    const row = this.#write(begin, waits)
    this.#taken.add(key(name, subject))
    try {
      const result = await run()
`,
    replace: `    let row: number | undefined
    this.#taken.add(key(name, subject))
    try {
      const result = await run()
      row = this.#write(begin, waits)
`,
    tests: ['rotation/order'],
  },
  {
    name: 'way-forward-does-without-the-journal',
    file: 'rotation/steps.ts',
    find: 'if (waits) throw error',
    replace: '',
    tests: ['rotation/faults'],
  },
  {
    name: 'way-back-waits-for-the-journal',
    file: 'rotation/steps.ts',
    find: "const waits = this.direction === 'forward' && name !== 'resume'",
    replace: "const waits = name !== 'resume'",
    tests: ['rotation/engine', 'rotation/faults'],
  },
  {
    name: 'resuming-waits-for-the-journal',
    file: 'rotation/steps.ts',
    find: "const waits = this.direction === 'forward' && name !== 'resume'",
    replace: 'const waits = true',
    tests: ['rotation/faults'],
  },
  {
    name: 'marks-not-read-before-each-step',
    file: 'rotation/steps.ts',
    find: "if (this.direction === 'forward') this.#permit()",
    replace: '',
    tests: ['rotation/order'],
  },
  {
    name: 'marks-not-read-before-the-end',
    file: 'rotation/walk.ts',
    find: `    await this.#placing.tidy()
    this.#refuseLeaked()
`,
    replace: `    await this.#placing.tidy()
`,
    tests: ['rotation/order'],
  },
  {
    name: 'activate-before-quiesce',
    file: 'rotation/walk.ts',
    find: `    await this.#quiesce()
    await this.#placing.activate()
`,
    replace: `    await this.#placing.activate()
    await this.#quiesce()
`,
    tests: ['rotation/order'],
  },
  {
    name: 'resume-before-activate',
    file: 'rotation/walk.ts',
    find: `    await this.#placing.activate()
    await this.#resume(this.plan.consumers)
`,
    replace: `    await this.#resume(this.plan.consumers)
    await this.#placing.activate()
`,
    tests: ['rotation/order'],
  },
  {
    name: 'verify-before-resume',
    file: 'rotation/walk.ts',
    find: `    await this.#resume(this.plan.consumers)
    if (this.plan.proves) await this.#parkable((park) => this.#verify('to', park))
`,
    replace: `    if (this.plan.proves) await this.#parkable((park) => this.#verify('to', park))
    await this.#resume(this.plan.consumers)
`,
    tests: ['rotation/order'],
  },
  {
    name: 'edited-meanwhile-not-asked-after-staging',
    file: 'rotation/walk.ts',
    find: 'await this.#parkable(() => this.#refuseForeign())',
    replace: '',
    tests: ['rotation/faults'],
  },
  {
    name: 'consumer-not-stopped-on-the-way-back',
    file: 'rotation/walk.ts',
    find: 'await this.#placing.restore(() => this.#quiesce()).catch(note)',
    replace: 'await this.#placing.restore(async () => {}).catch(note)',
    tests: ['rotation/order'],
  },
  {
    name: 'consumer-not-resumed-on-the-way-back',
    file: 'rotation/walk.ts',
    find: `await this.#resume(this.plan.consumers).catch(note)
    if (failures`,
    replace: 'if (failures',
    tests: ['rotation/engine'],
  },
  {
    name: 'consumer-not-resumed-where-the-way-back-fails',
    file: 'rotation/walk.ts',
    find: 'await this.#placing.restore(() => this.#quiesce()).catch(note)',
    replace: 'await this.#placing.restore(() => this.#quiesce())',
    tests: ['rotation/faults', 'rotation/compromise'],
  },
  {
    name: 'stopped-consumer-not-resumed-by-abandon',
    file: 'rotation/walk.ts',
    find: 'await this.#resume(this.plan.consumers.filter(stopped))',
    replace: 'void stopped',
    tests: ['rotation/faults'],
  },
  {
    name: 'old-version-not-proved-on-the-way-back',
    file: 'rotation/walk.ts',
    find: "this.#verify('from', AbortSignal.any([park, AbortSignal.timeout(proofOfOld)])),",
    replace: 'park.aborted ? Promise.reject(park.reason) : Promise.resolve(),',
    tests: ['rotation/engine'],
  },
  {
    name: 'resuming-ends-with-the-first-failure',
    file: 'rotation/walk.ts',
    find: `.take('resume', step.managed.name, () => this.#resumeOne(step))
        .catch((error: unknown) => void failures.push(error))`,
    replace: ".take('resume', step.managed.name, () => this.#resumeOne(step))",
    tests: ['rotation/faults'],
  },
  {
    name: 'parks-while-a-consumer-is-down',
    file: 'rotation/walk.ts',
    find: 'await this.#quiesce()\n    await this.#placing.activate()',
    replace:
      'await this.#quiesce()\n    await this.#parkable(async () => {})\n    await this.#placing.activate()',
    tests: ['rotation/faults'],
  },
  {
    name: 'what-stood-there-is-not-kept',
    file: 'rotation/placing.ts',
    find: 'this.#parts.journal.hold(this.#id, this.#records())',
    replace: '',
    tests: ['rotation/order'],
  },
  {
    name: 'withdraw-before-the-old-is-given-back',
    file: 'rotation/placing.ts',
    find: `    for (const placement of touched) await this.#giveBack(placement)
    for (const placement of givenUp) await this.#switch(placement)
`,
    replace: `    for (const placement of givenUp) await this.#switch(placement)
    for (const placement of touched) await this.#giveBack(placement)
`,
    tests: ['rotation/order'],
  },
  {
    name: 'consumer-stopped-before-the-way-back-is-staged',
    file: 'rotation/placing.ts',
    find: `    for (const placement of touched) await this.#stageReturn(placement)
    await stop()
`,
    replace: `    await stop()
    for (const placement of touched) await this.#stageReturn(placement)
`,
    tests: ['rotation/order'],
  },
  {
    name: 'place-that-is-done-is-staged-again',
    file: 'rotation/placing.ts',
    find: 'if (done.has(placement)) this.#done.add(placement)',
    replace: '',
    tests: ['rotation/faults'],
  },
  {
    name: 'record-of-before-is-replaced',
    file: 'rotation/placing.ts',
    find: 'if (unsure.has(placement)) this.#pinned.set(placement, record.held)',
    replace: '',
    tests: ['rotation/faults'],
  },
  {
    name: 'edited-value-is-staged-upon',
    file: 'rotation/placing.ts',
    find: 'if (isEdited && (await isStrange(placement))) throw edited([placement])',
    replace: 'void isEdited',
    tests: ['rotation/faults'],
  },
  {
    name: 'edit-is-not-staged-upon-again',
    file: 'rotation/placing.ts',
    find: `if (!(error instanceof LiveChanged) || staging === stagings) throw error
        await this.stage(`,
    replace: `if (error) throw error
        await this.stage(`,
    tests: ['rotation/engine'],
  },
  {
    name: 'foreign-value-written-over-on-the-way-back',
    file: 'rotation/placing.ts',
    find: 'if (!(await isStrange(placement))) return\n',
    replace: 'if (this.#id) return\n',
    tests: ['rotation/faults'],
  },
  {
    name: 'leaked-value-stays-where-clients-look',
    file: 'rotation/placing.ts',
    find: "if (action === 'take' || hasLeaked(keys, placement)) {",
    replace: "if (action === 'take') {",
    tests: ['rotation/compromise', 'rotation/marks'],
  },
  {
    name: 'records-of-places-are-not-wiped',
    file: 'rotation/placing.ts',
    find: 'for (const secret of held.values()) secret.wipe()',
    replace: 'void held',
    tests: ['rotation/faults'],
  },
  {
    name: 'direction-ignored-by-recovery',
    file: 'rotation/recovery.ts',
    find: "if (rotation.direction === 'back') {",
    replace: "if (rotation.direction === 'back' && rotation.tries > 3) {",
    tests: ['rotation/on-failure', 'rotation/faults'],
  },
  {
    name: 'recovery-goes-on-where-all-is-old',
    file: 'rotation/recovery.ts',
    find: 'if (found.allOld) {',
    replace: 'if (found.allOld && rotation.tries > 3) {',
    tests: ['rotation/faults'],
  },
  {
    name: 'recovery-goes-on-with-what-has-leaked',
    file: 'rotation/recovery.ts',
    find: "if (leaked) return concludeFailed(parts, walk, trigger, 'the new version was compromised')",
    replace: 'void leaked',
    tests: ['rotation/compromise'],
  },
  {
    name: 'recovery-tries-for-ever',
    file: 'rotation/recovery.ts',
    find: 'if (triesOf(parts, id) > mostTries) {',
    replace: 'if (triesOf(parts, id) > Number.MAX_VALUE) {',
    tests: ['rotation/compromise'],
  },
  {
    name: 'tries-that-cannot-be-counted-are-the-first',
    file: 'rotation/recovery.ts',
    find: 'return Number.POSITIVE_INFINITY',
    replace: 'return 1',
    tests: ['rotation/faults'],
  },
  {
    name: 'other-targets-taken-for-those-of-before',
    file: 'rotation/recovery.ts',
    find: 'return isKnown ? plan :',
    replace: 'return isKnown || plan ? plan :',
    tests: ['rotation/faults'],
  },
  {
    name: 'could-not-tell-is-all-old',
    file: 'rotation/findings.ts',
    find: "if (finding.holds === 'unknown') return false",
    replace: "if (finding.holds === 'unknown') return true",
    tests: ['rotation/faults'],
  },
  {
    name: 'turn-is-not-committed',
    file: 'rotation/conclusion.ts',
    find: "parts.journal.turn(walk.plan.id, 'back', reason, blamed)",
    replace: 'void blamed',
    tests: ['rotation/order'],
  },
  {
    name: 'turn-is-committed-after-the-way-back',
    file: 'rotation/conclusion.ts',
    find: `  try {
    parts.journal.turn(walk.plan.id, 'back', reason, blamed)
  } catch {
    parts.events.emit('store.error', parts.clock.now(), { operation: 'journal turn' })
  }
  return goBack(walk, reason, blamed)
}
`,
    replace: `  const conclusion = await goBack(walk, reason, blamed)
  parts.journal.turn(walk.plan.id, 'back', reason, blamed)
  return conclusion
}
`,
    tests: ['rotation/order'],
  },
  {
    name: 'compromised-version-is-given-back',
    file: 'rotation/conclusion.ts',
    find: 'if (isForwardOnly(parts, walk.plan.members, trigger)) return stand(walk, reason, blamed)',
    replace: 'void isForwardOnly',
    tests: ['rotation/engine', 'rotation/on-failure'],
  },
  {
    name: 'on-failure-of-the-mark-is-ignored',
    file: 'rotation/conclusion.ts',
    find: "return (old.onFailure ?? material.onFailure) === 'stay-down'",
    replace: "return material.onFailure === 'stay-down'",
    tests: ['rotation/on-failure'],
  },
  {
    name: 'on-failure-of-the-material-is-ignored',
    file: 'rotation/conclusion.ts',
    find: "return (old.onFailure ?? material.onFailure) === 'stay-down'",
    replace: "return (old.onFailure ?? 'stay-down') === 'stay-down'",
    tests: ['rotation/on-failure'],
  },
  {
    name: 'parked-rotation-is-taken-for-failed',
    file: 'rotation/conclusion.ts',
    find: `if (error instanceof Parked) throw error
  const blamed`,
    replace: 'const blamed',
    tests: ['rotation/faults'],
  },
  {
    name: 'unproved-is-called-success',
    file: 'rotation/conclusion.ts',
    find: "const proved = trigger === 'announce' || members.every(isProvable)",
    replace: "const proved = trigger === 'announce' || members.length > 0",
    tests: ['rotation/engine'],
  },
  {
    name: 'everybody-is-blamed',
    file: 'rotation/conclusion.ts',
    find: 'blamed: blamed === undefined || blamed === material.name,',
    replace: 'blamed: true,',
    tests: ['rotation/engine'],
  },
  {
    name: 'archive-before-the-end-is-committed',
    file: 'rotation/conclusion.ts',
    find: `  journal.finish(id, { result, ...(detail !== undefined && { detail }), versions, schedules, now })
  if (applied) await archivePublicParts(parts, members)
`,
    replace: `  journal.finish(id, { result, ...(detail !== undefined && { detail }), versions, schedules, now })
`,
    tests: ['rotation/engine'],
  },
  {
    name: 'retired-before-its-overlap-ends',
    file: 'rotation/ending.ts',
    find: 'const change: VersionChange = overlaps(member)',
    replace: 'const change: VersionChange = overlaps(member) && overlapUntil <= now',
    tests: ['rotation/engine'],
  },
  {
    name: 'leaked-version-keeps-its-overlap',
    file: 'rotation/ending.ts',
    find: 'const overlapUntil = from.compromised ? now : now + material.overlap',
    replace: 'const overlapUntil = now + material.overlap',
    tests: ['rotation/compromise'],
  },
  {
    name: 'previous-version-is-not-kept',
    file: 'rotation/ending.ts',
    find: 'const keepUntil = now + Math.max(material.keep, material.overlap)',
    replace: 'const keepUntil = now',
    tests: ['rotation/engine'],
  },
  {
    name: 'kept-for-less-than-its-overlap',
    file: 'rotation/ending.ts',
    find: 'const keepUntil = now + Math.max(material.keep, material.overlap)',
    replace: 'const keepUntil = now + material.keep',
    tests: ['rotation/compromise'],
  },
  {
    name: 'leaked-version-overlaps',
    file: 'rotation/plan.ts',
    find: 'return material.overlap > 0 && from !== undefined && !from.version.compromised',
    replace: 'return material.overlap > 0 && from !== undefined',
    tests: ['rotation/plan', 'rotation/compromise'],
  },
  {
    name: 'parts-switched-under-a-running-consumer',
    file: 'rotation/plan.ts',
    find: 'return places.size > 1 && parts.size > 1',
    replace: 'return places.size > 2 && parts.size > 2',
    tests: ['rotation/engine'],
  },
  {
    name: 'compromised-version-is-not-due',
    file: 'rotation/compromise.ts',
    find: 'schedule.set({ ...schedule.get(name), due: clock.now() })',
    replace: 'void [schedule, clock]',
    tests: ['rotation/compromise'],
  },
  {
    name: 'fresh-version-is-marked-too',
    file: 'rotation/compromise.ts',
    find: 'const fresh = rotating ? freshOf(parts, name) : undefined',
    replace: 'void [rotating, freshOf]\n  const fresh: number | undefined = undefined',
    tests: ['rotation/order'],
  },
  {
    name: 'announced-version-that-has-leaked-is-used',
    file: 'rotation/drafts.ts',
    find: "state === 'prepared' && !compromised &&",
    replace: "(state === 'prepared' || compromised === undefined) &&",
    tests: ['rotation/compromise'],
  },
  {
    name: 'known-leak-is-made-again',
    file: 'rotation/attempt.ts',
    find: 'refuseKnownLeak(parts.keys, draft.material.name, fresh)',
    replace: 'void refuseKnownLeak',
    tests: ['rotation/known-leak'],
  },
  {
    name: 'known-leak-is-adopted',
    file: 'rotation/adoption.ts',
    find: '    refuseKnownLeak(keys, material.name, made)\n',
    replace: '',
    tests: ['rotation/known-leak'],
  },
  {
    name: 'nothing-is-checked-before',
    file: 'rotation/attempt.ts',
    find: "await preflight(walkPlan('', trigger, members), trigger, parts.clock, signal)",
    replace: 'void [preflight, signal]',
    tests: ['rotation/engine'],
  },
  {
    name: 'made-secret-is-not-wiped',
    file: 'rotation/attempt.ts',
    find: `  } finally {
    for (const fresh of made.values()) wipe(fresh)
  }
}

/** What a rotation`,
    replace: `  } finally {
    void made
  }
}

/** What a rotation`,
    tests: ['rotation/faults'],
  },
  {
    name: 'restored-store-goes-on-with-its-rotations',
    file: 'rotation/starting.ts',
    find: 'if (restored) close(this.#parts, unfinished.rotation, restoredStore)\n      else ',
    replace: '',
    tests: ['rotation/faults'],
  },
  {
    name: 'restored-store-is-reconciled',
    file: 'rotation/starting.ts',
    find: 'if (restored) this.#attention(material.name, restoredStore)\n      else if (this',
    replace: 'if (this',
    tests: ['rotation/engine'],
  },
  {
    name: 'one-recovery-holds-up-all',
    file: 'rotation/starting.ts',
    find: 'if (park.aborted) throw error\n      for',
    replace: 'if (error) throw error\n      for',
    tests: ['rotation/faults'],
  },
  {
    name: 'edit-is-taken-for-a-lost-rename',
    file: 'rotation/reconcile.ts',
    find: '|| seen.bootId === bootId) return false',
    replace: '|| bootId === undefined) return false',
    tests: ['rotation/engine'],
  },
  {
    name: 'something-else-is-taken-for-a-lost-rename',
    file: 'rotation/reconcile.ts',
    find: "finding.holds === 'unknown' ||\n        (finding",
    replace: "finding.holds !== 'nothing' ||\n        (finding",
    tests: ['rotation/engine'],
  },
  {
    name: 'stopped-consumer-not-started-when-closed',
    file: 'rotation/closing.ts',
    find: 'const troubles = await startStopped(materials, rotation)',
    replace: 'const troubles: string[] = []\n  void [startStopped, materials]',
    tests: ['rotation/faults'],
  },
  {
    name: 'begins-anew-although-the-engine-stops',
    file: 'rotation/engine.ts',
    find: "if (this.#stopping) throw new Parked('rekeyd is stopping')",
    replace: '',
    tests: ['rotation/faults'],
  },
  {
    name: 'begins-anew-beside-an-open-rotation',
    file: 'rotation/engine.ts',
    find: 'const open = await recoverOpen(this.#parts, this.#materials, names, this.#park.signal)',
    replace:
      'const open = names ? undefined : await recoverOpen(this.#parts, this.#materials, names, this.#park.signal)',
    tests: ['rotation/faults'],
  },
  {
    name: 'two-rotations-share-a-consumer',
    file: 'rotation/queue.ts',
    find: 'return !claims.some((claim) => taken.includes(claim))',
    replace: 'return taken.length >= 0 || !claims.some((claim) => taken.includes(claim))',
    tests: ['rotation/queue'],
  },
  {
    name: 'provoked-before-the-old-is-archived',
    file: 'rotation/provoked.ts',
    find: 'if (!undertaking.archived) {',
    replace: "if (!undertaking.archived && steps.begun('provoke')) {",
    tests: ['rotation/provoked'],
  },
  {
    name: 'provoked-again-although-it-has-changed',
    file: 'rotation/provoked.ts',
    find: 'if (seen && seen.value !== undertaking.observed)\n',
    replace: 'if (seen && seen.value === undefined)\n',
    tests: ['rotation/provoked'],
  },
]
