/** Says at the very end which tests were left out, what they need, and how to install that. */
import { spawnSync } from 'node:child_process';
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { INSTALLERS, NEEDS, type Need, type NeedName, namesIn } from './needs.js';

export default class LeftOut implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) => [...module.children.allTests('skipped')]);
    // Those that the command line filtered out, or a colleague with .skip, are vitest's to say.
    const needy = skipped.map(missingFor).filter((names) => names.length > 0);
    for (const line of linesFor(needy)) console.log(line);
  }
}

function missingFor(test: TestCase): NeedName[] {
  const result = test.result();
  return result.state === 'skipped' ? namesIn(result.note ?? '') : [];
}

/** @param needy what each test that was left out is missing */
export function linesFor(needy: NeedName[][], installer = installerHere()): string[] {
  if (needy.length === 0) return [];
  const names = [...new Set(needy.flat())];
  const rows = names.map((name) => {
    const { title = name, otherwise }: Need = NEEDS[name];
    const count = String(needy.filter((missing) => missing.includes(name)).length);
    return `${count.padStart(5)} without ${title}${otherwise ? ` (${otherwise})` : ''}`;
  });
  const packages = installer
    ? names.flatMap((name) => (NEEDS[name] as Need).packages?.[installer] ?? [])
    : [];
  const install =
    packages.length > 0 ? [`To install what is missing: ${installer} ${packages.join(' ')}`] : [];
  const count = needy.length === 1 ? '1 test was' : `${needy.length} tests were`;
  return [`${count} left out:`, ...rows, ...install];
}

function installerHere(): (typeof INSTALLERS)[number] | undefined {
  return INSTALLERS.find((installer) => {
    const [command = ''] = installer.split(' ');
    return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
  });
}
