import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ApiError } from './http';
import { randomId } from './ids';
import { removeHostDirectory } from './safe-fs/remove';
import { DEFAULT_TAG, NAMESPACE, parseReference, TEMPLATES, type Template } from './templates';

/** Copies that are incomplete, or about to be removed. The next start removes what is left. */
const DRAFT = '.draft';

const Build = z.object({
  buildId: z.string(),
  /** The sandbox whose files it holds. */
  sandboxId: z.string(),
  createdAtMs: z.number(),
});
export type Build = Readonly<z.infer<typeof Build>>;

const Tag = z.object({ tag: z.string(), buildId: z.string(), createdAtMs: z.number() });
export type Tag = Readonly<z.infer<typeof Tag>>;

const SnapshotTemplate = z.object({
  templateId: z.string(),
  alias: z.string().optional(),
  cpuCount: z.number(),
  memoryMB: z.number(),
  diskSizeMB: z.number(),
  createdAtMs: z.number(),
  builds: z.array(Build),
  tags: z.array(Tag),
});
export type SnapshotTemplate = Readonly<z.infer<typeof SnapshotTemplate>>;

const Catalog = z.object({
  version: z.literal(1),
  snapshots: z.array(SnapshotTemplate),
  /** Tags that callers gave to built-in templates, by template id. */
  builtInTags: z.record(z.string(), z.array(Tag)),
});
type Catalog = z.infer<typeof Catalog>;

export type SnapshotResources = Pick<Template, 'cpuCount' | 'memoryMB' | 'diskSizeMB'>;

/**
 * The templates that sandboxes start from: the built-in ones, and the snapshots of sandboxes with their files. One JSON
 * file holds everything but the files. Each build of a snapshot has its files in a directory of its own.
 */
export class TemplateCatalog {
  readonly #path: string;
  readonly #filesDir: string;
  #catalog: Catalog;
  /** Copies in progress, by build. The files of a deleted build stay until the last has ended. */
  readonly #holds = new Map<string, number>();
  readonly #doomed = new Set<string>();

  private constructor(path: string, filesDir: string, catalog: Catalog) {
    this.#path = path;
    this.#filesDir = filesDir;
    this.#catalog = catalog;
  }

  /** Reads the file. An unreadable one is set aside, with the files of its snapshots left in place. */
  static open(path: string, filesDir: string, warn: (message: string) => void): TemplateCatalog {
    mkdirSync(filesDir, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(filesDir)) {
      if (!name.endsWith(DRAFT)) continue;
      removeHostDirectory(join(filesDir, name)).catch((error: unknown) =>
        warn(`Cannot remove the unfinished snapshot ${name}: ${error}`),
      );
    }
    return new TemplateCatalog(path, filesDir, load(path, warn));
  }

  /** The template of `[namespace/]name[:tag]`, where the name is an id or an alias. */
  find(reference: string): Template | undefined {
    const parsed = parseReference(reference);
    const found = parsed === null ? undefined : this.#findNamed(parsed.name);
    const build = found?.tags.find(({ tag }) => tag === parsed?.tag);
    return found === undefined || build === undefined ? undefined : { ...found, buildId: build.buildId };
  }

  /** The snapshot template with this name, whatever the tag. */
  findSnapshot(reference: string): SnapshotTemplate | undefined {
    const name = parseReference(reference)?.name;
    return this.#catalog.snapshots.find(({ templateId, alias }) => templateId === name || alias === name);
  }

  get snapshots(): readonly SnapshotTemplate[] {
    return this.#catalog.snapshots;
  }

  /** The tags of a template; undefined if there is no such template. */
  tagsOf(reference: string): readonly Tag[] | undefined {
    const parsed = parseReference(reference);
    return parsed === null ? undefined : this.#findNamed(parsed.name)?.tags;
  }

  /** A new path for files. `keep` makes them permanent; anything else is removed at the next start. */
  draft(buildId: string): string {
    return join(this.#filesDir, `${buildId}${DRAFT}`);
  }

  /**
   * The files that a sandbox from this template starts with; undefined for a built-in one. They stay until `release`.
   */
  hold({ buildId }: Template): { files: string | undefined; release(): void } {
    const files = join(this.#filesDir, buildId);
    if (!existsSync(files)) return { files: undefined, release: () => {} };
    this.#holds.set(buildId, (this.#holds.get(buildId) ?? 0) + 1);
    const release = () => {
      const left = (this.#holds.get(buildId) ?? 1) - 1;
      if (left > 0) this.#holds.set(buildId, left);
      else this.#holds.delete(buildId);
      if (left === 0 && this.#doomed.delete(buildId)) void this.#removeFiles(buildId).catch(() => {});
    };
    return { files, release };
  }

  /**
   * Adds the files of `draft(build.buildId)` as a build. A name that exists gets the build as its new one; a build that
   * loses its last tag is removed.
   * @throws ApiError 400 for the name of a built-in template or another namespace.
   */
  async keep(
    build: Build,
    name: string | undefined,
    resources: SnapshotResources,
  ): Promise<SnapshotTemplate> {
    const reference = name === undefined ? undefined : this.checkName(name);
    renameSync(this.draft(build.buildId), join(this.#filesDir, build.buildId));
    const tag = {
      tag: reference?.tag ?? DEFAULT_TAG,
      buildId: build.buildId,
      createdAtMs: build.createdAtMs,
    };
    const before = reference === undefined ? undefined : this.findSnapshot(reference.name);
    const after: SnapshotTemplate = {
      templateId: before?.templateId ?? randomId(20),
      ...(reference === undefined ? {} : { alias: before?.alias ?? reference.name }),
      ...resources,
      createdAtMs: before?.createdAtMs ?? build.createdAtMs,
      builds: [...(before?.builds ?? []), build],
      tags: [...(before?.tags ?? []).filter((other) => other.tag !== tag.tag), tag],
    };
    await this.#replace(before, after);
    return after;
  }

  /** @throws ApiError 400 if no snapshot may have this name. */
  checkName(name: string): { name: string; tag: string } {
    const reference = parseReference(name);
    if (reference === null) {
      throw new ApiError(400, `Invalid name: the namespace of this engine is '${NAMESPACE}'`);
    }
    if (TEMPLATES.some(({ templateId }) => templateId === reference.name)) {
      throw new ApiError(400, `Invalid name: '${reference.name}' is a built-in template`);
    }
    return reference;
  }

  /**
   * Deletes a snapshot with all its builds, whatever the tag of the reference, as the service does. Sandboxes that were
   * started from it keep their own copies.
   * @throws ApiError 404, 403 for a built-in template.
   */
  async remove(reference: string): Promise<void> {
    const snapshot = this.findSnapshot(reference);
    if (snapshot !== undefined) return await this.#replace(snapshot, undefined);
    if (this.tagsOf(reference) === undefined) throw missing(reference);
    throw new ApiError(403, `Template '${reference}' is built in and cannot be deleted`);
  }

  /** Gives tags to the build of `target`. @throws ApiError 404. */
  async assignTags(target: string, names: readonly string[], nowMs = Date.now()): Promise<Template> {
    const template = this.find(target);
    if (template === undefined) throw missing(target);
    const { buildId } = template;
    const added = [...new Set(names)].map((tag) => ({ tag, buildId, createdAtMs: nowMs }));
    await this.#retag(target, (tags) => [...tags.filter(({ tag }) => !names.includes(tag)), ...added]);
    return template;
  }

  /** @throws ApiError 400 for the default tag, 404 for an unknown template. */
  async deleteTags(name: string, names: readonly string[]): Promise<void> {
    if (this.tagsOf(name) === undefined) throw missing(name);
    if (names.includes(DEFAULT_TAG)) throw new ApiError(400, `Cannot delete the '${DEFAULT_TAG}' tag`);
    await this.#retag(name, (tags) => tags.filter(({ tag }) => !names.includes(tag)));
  }

  async #retag(reference: string, change: (tags: readonly Tag[]) => Tag[]): Promise<void> {
    const snapshot = this.findSnapshot(reference);
    if (snapshot !== undefined) {
      return await this.#replace(snapshot, { ...snapshot, tags: change(snapshot.tags) });
    }
    const id = parseReference(reference)?.name ?? '';
    const builtInTags = { ...this.#catalog.builtInTags, [id]: change(this.#catalog.builtInTags[id] ?? []) };
    this.#save({ ...this.#catalog, builtInTags });
  }

  #findNamed(name: string): (Template & { tags: readonly Tag[] }) | undefined {
    const snapshot = this.findSnapshot(name);
    if (snapshot !== undefined) return { ...snapshot, buildId: '' };
    const builtIn = TEMPLATES.find(({ templateId }) => templateId === name);
    if (builtIn === undefined) return undefined;
    const first: Tag = { tag: DEFAULT_TAG, buildId: builtIn.buildId, createdAtMs: 0 };
    return { ...builtIn, tags: [first, ...(this.#catalog.builtInTags[name] ?? [])] };
  }

  /** Saves the change, then removes the files of the builds that are not part of `after`. */
  async #replace(before: SnapshotTemplate | undefined, after: SnapshotTemplate | undefined): Promise<void> {
    const isTagged = ({ buildId }: Build) => after?.tags.some((tag) => tag.buildId === buildId) === true;
    const kept = after === undefined ? [] : [{ ...after, builds: after.builds.filter(isTagged) }];
    const others = this.#catalog.snapshots.filter((snapshot) => snapshot !== before);
    this.#save({ ...this.#catalog, snapshots: [...others, ...kept] });
    const dropped = [...(before?.builds ?? [])].filter((build) => !isTagged(build));
    await Promise.all(dropped.map(({ buildId }) => this.#removeFiles(buildId)));
  }

  async #removeFiles(buildId: string): Promise<void> {
    if (this.#holds.has(buildId)) {
      this.#doomed.add(buildId);
      return;
    }
    const files = join(this.#filesDir, buildId);
    if (!existsSync(files)) return;
    renameSync(files, this.draft(buildId));
    await removeHostDirectory(this.draft(buildId));
  }

  /** Writes to a temporary file and renames it, which survives a kill of the engine. */
  #save(catalog: Catalog): void {
    writeFileSync(`${this.#path}.tmp`, JSON.stringify(catalog), { mode: 0o600 });
    renameSync(`${this.#path}.tmp`, this.#path);
    this.#catalog = catalog;
  }
}

function load(path: string, warn: (message: string) => void): Catalog {
  const empty: Catalog = { version: 1, snapshots: [], builtInTags: {} };
  if (!existsSync(path)) return empty;
  try {
    return Catalog.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    const aside = `${path}.unreadable-${Date.now()}`;
    renameSync(path, aside);
    warn(`Cannot read the list of snapshots. It was moved to ${aside}.`);
    return empty;
  }
}

function missing(reference: string): ApiError {
  return new ApiError(404, `Template '${reference}' not found or you don't have access to it`);
}
