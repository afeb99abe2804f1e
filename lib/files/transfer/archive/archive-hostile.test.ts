import fs from 'node:fs';
import { buffer, text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { canRun } from '../../../engine/jail/test-process-engine';
import { eventually, thrownBy } from '../../../test-support/environment';
import { auditLog, hasPython, openRequest, userIdOf } from '../../test-file-server';
import { openArchive } from './archive';
import { archiveProgress } from './progress';
import { type ArchiveEvent, newArchiveToken } from './schema';
import { setUpArchives } from './test-archives';

describe.runIf(canRun)('an archive', () => {
  const { newSandbox, isIdle, address, unpack, unpacked } = setUpArchives();

  describe.runIf(hasPython)('from a hostile sandbox', () => {
    /** A `tar` that ignores its arguments and writes the output of a Python script. */
    const hostile = (script: string) => ({
      tar: `exec /usr/bin/python3 -c '
import io, sys, tarfile
t = tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.PAX_FORMAT)
def add(name, kind=tarfile.REGTYPE, data=b"x", link=""):
    i = tarfile.TarInfo(name); i.type = kind; i.linkname = link; i.mode = 0o6777
    i.size = len(data) if kind == tarfile.REGTYPE else 0
    t.addfile(i, io.BytesIO(data))
${script}
t.close()
'`,
    });

    it('has only safe names', async () => {
      const script = [
        'add("./work/../../../up")',
        'add("/etc/absolute")',
        'add("./work/..")',
        'add("./work/a\\nb")',
        'add("./work/a\\tb")',
        'add("./work/back\\\\slash")',
        'add("./work/\\u202Eevil")',
        'add("./work/device", tarfile.CHRTYPE)',
        'add("./work/link", tarfile.SYMTYPE, link="/etc")',
        'add("./work/link/through")',
        'add("./work/hard", tarfile.LNKTYPE, link="/etc/shadow")',
      ].join('\n');
      const { key, root } = await newSandbox({ tools: hostile(script) });
      fs.mkdirSync(`${root}/data/work`);
      for (const format of ['tar.gz', 'zip']) {
        const { 'LEFT-OUT.txt': note, ...tree } = await unpack(key, ['/data/work'], format);
        const files = Object.keys(tree).filter((path) => tree[path] !== null);
        expect(files.sort()).toEqual(
          [
            'work/_/_/_/up~1',
            'work/absolute',
            'work/_~2',
            'work/a_b~3',
            'work/a_b~4',
            'work/back_slash~5',
            'work/_evil~6',
            'work/link/through',
          ].sort(),
        );
        expect(note).toContain('work/device');
        expect(note).toContain('work/hard -> /etc/shadow');
      }
    });

    it('fails visibly if the tar is invalid or incomplete', async () => {
      const broken: Record<string, string> = {
        'no archive': 'echo hello',
        'half an archive': 'exec /usr/bin/tar -c -f - -C /usr/bin . | head -c 100000',
        'one that is killed': '/usr/bin/tar -c -f - -C /data/work . | head -c 1024; kill -9 $$',
      };
      for (const [what, tar] of Object.entries(broken)) {
        const { key, root } = await newSandbox({ tools: { tar } });
        fs.mkdirSync(`${root}/data/work`);
        fs.writeFileSync(`${root}/data/work/file`, 'x'.repeat(5_000));
        const progress = newArchiveToken();
        const events: ArchiveEvent[] = [];
        archiveProgress().listen(await userIdOf(), progress, (event) => events.push(event));
        const thrown = await thrownBy(async () => {
          const answer = await openRequest(address(key, ['/data/work'], { format: 'zip', progress }));
          await text(answer);
        });
        expect(thrown, what).toMatchObject({ code: 'ECONNRESET' });
        await eventually(() => events.at(-1)?.kind === 'ended');
        expect(events.at(-1), what).toMatchObject({
          failure: expect.stringMatching(/^The archive (is|was) in/),
        });
        expect(await auditLog(key)).toEqual(['archive-downloaded /data/work', 'archive-failed /data/work']);
      }
    });

    it('ends at the limit and notes it', async () => {
      const script = 'n = 0\nwhile True: n += 1; add("./work/%d" % n)';
      const { key, root } = await newSandbox({ tools: hostile(script) });
      fs.mkdirSync(`${root}/data/work`);
      const limits = [
        { entries: 100, bytes: 1_000 },
        { entries: 1_000, bytes: 100 },
      ];
      for (const limit of limits) {
        const order = {
          paths: ['/data/work'],
          format: 'tar.gz',
          limit,
          signal: AbortSignal.timeout(60_000),
        } as const;
        const { body, count } = await openArchive(key, order);
        const tree = unpacked(await buffer(body), 'tar.gz');
        expect(Object.keys(tree)).toHaveLength(1 + 100 + 1);
        expect(tree['LEFT-OUT.txt']).toContain('work/101 and everything after it');
        expect(count).toEqual({ files: 100, folders: 0, bytes: 100, leftOut: 1, fault: null, isCut: true });
        await eventually(() => isIdle(key));
      }
    });
  });
});
