'use client';

import { clsx } from 'clsx';
import { Fragment, useCallback, useEffect, useRef, useState } from 'react';
import { useLacking, useLiveState } from '@/components/data/use-fleet';
import { useOffers } from '@/components/data/use-offers';
import { useActs } from '@/components/operations/use-acts';
import { whyNot } from '@/components/sandbox/sandbox-acts';
import type { SandboxNow } from '@/components/sandbox-page/use-sandbox';
import { ErrorText } from '@/components/ui/field';
import { FinalFocus } from '@/components/ui/focus-home';
import { isOnMac } from '@/components/ui/kbd';
import { loadWhenWanted } from '@/components/ui/lazy';
import { PanelBoundary } from '@/components/ui/panel-boundary';
import { Separator } from '@/components/ui/separator';
import { toast } from '@/components/ui/toast';
import { answerOf } from '@/lib/answer';
import { closeConsole, openConsole, renameConsole } from '@/lib/console/actions';
import type { LinkState } from '@/lib/console/link';
import type { ConsoleInfo } from '@/lib/console/schema';
import { paths } from '@/lib/paths';
import type { Role } from '@/lib/roles';
import { connectionOf } from '@/lib/sandbox-key';
import {
  consoleCommands,
  estimateSize,
  focusTab,
  neighbour,
  noShellReason,
  saveText,
  shareOf,
} from './console-actions';
import { ConsoleEmpty } from './console-empty';
import { ConsoleTabs } from './console-tabs';
import { ConsoleTime } from './console-time';
import { ConsoleToolbar } from './console-toolbar';
import { NO_CONSOLE } from './console-words';
import { OpenDialog, type ShellChoice } from './open-dialog';
import { type BusyConsole, BusyDialog, RenameDialog } from './tab-dialogs';
import { type PaneHandle, TerminalPane } from './terminal-pane';
import { TouchKeys } from './touch-keys';
import { changePreferences, useFullScreen, usePreferences, zoomed } from './use-preferences';
import { useTabs } from './use-tabs';

const KeysHelp = loadWhenWanted(
  async () => (await import('@/components/ui/keys-help')).KeysHelp,
  ({ isOpen }) => isOpen,
  { holdsKeys: true },
);

/** The smallest width or height of a pane while two are shown. */
const MIN_PANE_PX = 192;
const UNREACHABLE = 'The server could not be reached. Try again.';

type Props = { now: SandboxNow; role: Role; nowMs: number };

/** The tabs, toolbar and terminals of the console page. */
export function ConsoleRoom({ now, role, nowMs }: Props) {
  const { sandbox, isGone, act } = now;
  const { tabs, active, attached, isKnown, isRequested, select, drop } = useTabs(sandbox.key);
  const { handlers, dialogs } = useActs();
  const { fontSize, forScreenReaders } = usePreferences();
  const { isFullScreen, toggleFullScreen } = useFullScreen();
  const container = useRef<HTMLDivElement>(null);
  const panes = useRef(new Map<string, PaneHandle>());
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set());
  const [titles, setTitles] = useState<ReadonlyMap<string, string>>(new Map());
  const [link, setLink] = useState<LinkState | null>(null);
  const [besideId, setBesideId] = useState<string | null>(null);
  const frame = useRef<HTMLDivElement>(null);
  /** The share of the first of two panes; `null` for half. */
  const [share, setShare] = useState<number | null>(null);
  const [isCtrl, setIsCtrl] = useState(false);
  const [isOpening, setIsOpening] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [dialog, setDialog] = useState<'open' | 'keys' | null>(null);
  const [toRename, setToRename] = useState<ConsoleInfo | null>(null);
  const [busy, setBusy] = useState<BusyConsole | null>(null);
  const isRunning = sandbox.state === 'running' && !isGone;
  const lacking = useLacking(connectionOf(sandbox.key));
  const isBlocked = useLiveState() === 'blocked';
  const reason = lacking.processes ?? noShellReason(now) ?? (isBlocked ? NO_CONSOLE : null);
  const pane = () => (active === null ? undefined : panes.current.get(active.id));

  const open = useCallback(
    async (choice: ShellChoice) => {
      setIsOpening(true);
      setProblem(null);
      const request = { sandboxKey: sandbox.key, ...choice, size: estimateSize(container.current, fontSize) };
      const result = await answerOf(openConsole(request));
      setIsOpening(false);
      if (result?.ok) {
        setFresh((before) => new Set([...before, result.value]));
        select(result.value);
        return true;
      }
      setProblem(result?.error.message ?? UNREACHABLE);
      return false;
    },
    [sandbox.key, fontSize, select],
  );

  // Opens a first console on arrival, but not again when the last one is closed.
  const hasArrived = useRef(false);
  const mustOpen =
    isKnown && isRunning && reason === null && !isRequested && !tabs.some(({ isMine }) => isMine);
  useEffect(() => {
    if (hasArrived.current || !isKnown || isBlocked) return;
    hasArrived.current = true;
    if (mustOpen) void open({ user: null, cwd: null });
  }, [isKnown, isBlocked, mustOpen, open]);

  async function close(id: string, evenIfBusy = false) {
    const isOver = tabs.some((each) => each.id === id && each.state === 'ended');
    const result = await answerOf(closeConsole({ id, evenIfBusy: evenIfBusy || isOver }));
    if (result === null)
      toast.error('The server could not be reached. The console is still open. Try again.');
    else if (result.ok && result.value !== null) setBusy({ id, running: result.value });
    else if (!result.ok && result.error.code !== 'not_found') toast.error(result.error.message);
    else {
      drop(id);
      const at = tabs.findIndex((each) => each.id === id);
      if (active?.id === id) select(tabs[at + 1]?.id ?? tabs[at - 1]?.id ?? null);
    }
  }

  /** Opens a console in place of an ended one. */
  async function replace({ id, user }: ConsoleInfo) {
    if (!(await open({ user, cwd: null }))) return;
    drop(id);
    // Removes it from everyone's list. It may already be gone.
    void answerOf(closeConsole({ id, evenIfBusy: true }));
  }

  async function rename(id: string, name: string) {
    const result = await answerOf(renameConsole({ id, name }));
    if (!result?.ok) toast.error(result?.error.message ?? UNREACHABLE);
  }

  const actions = {
    open: () => void open({ user: null, cwd: null }),
    openAs: () => setDialog('open'),
    find: () => pane()?.find(),
    clear: () => pane()?.clear(),
    reset: () => pane()?.reset(),
    copy: () => void pane()?.copy(),
    download: () => {
      const text = pane()?.text();
      if (text !== undefined && active !== null) saveText(`console-${sandbox.id}-${active.number}.txt`, text);
    },
    zoom: (step: 1 | -1 | 0) => changePreferences({ fontSize: zoomed(fontSize, step) }),
    toggleScreenReader: () => changePreferences({ forScreenReaders: !forScreenReaders }),
    toggleFullScreen,
    rename: () => setToRename(active),
    close: () => active && void close(active.id),
    showKeys: () => setDialog('keys'),
    toggleSideBySide: () => setBesideId(besideId === null ? (neighbour(attached, active)?.id ?? null) : null),
    copyLink: () =>
      active &&
      void navigator.clipboard.writeText(
        new URL(paths.sandboxConsole(sandbox.key, active.id), window.location.href).href,
      ),
  };
  useOffers(() => consoleCommands(actions, reason, active, link));
  const beside = attached.find(({ id }) => id === besideId && id !== active?.id) ?? null;
  const firstBeside =
    beside === null ? null : attached.find(({ id }) => id === beside.id || id === active?.id);

  return (
    <FinalFocus value={() => pane()?.input() ?? null}>
      <div
        ref={container}
        className={clsx('flex min-h-0 min-w-0 flex-1 flex-col bg-bg', isFullScreen && 'fixed inset-0 z-30')}
      >
        {/* Each row has its height before anything has loaded. */}
        <div className="flex shrink-0 flex-wrap items-center gap-x-4 border-line border-b px-3">
          <PanelBoundary what="list of consoles">
            <ConsoleTabs
              consoles={tabs}
              activeId={active?.id ?? null}
              titles={titles}
              reason={isOpening ? 'A shell is starting.' : reason}
              onSelect={select}
              onClose={(id) => void close(id)}
              onRename={(id) => setToRename(tabs.find((each) => each.id === id) ?? null)}
              onOpen={actions.open}
              onOpenAs={actions.openAs}
            />
          </PanelBoundary>
          <div className="ml-auto flex h-10 items-center gap-3">
            <ConsoleToolbar
              active={active}
              link={link}
              actions={actions}
              isFullScreen={isFullScreen}
              isBeside={beside !== null}
              canBeside={attached.length > 1}
              forScreenReaders={forScreenReaders}
            />
            {isGone ? null : (
              <ConsoleTime
                sandbox={sandbox}
                nowMs={nowMs}
                reason={whyNot(sandbox, 'setTimeout', { role, lacking, underWay: act, isGone })}
              />
            )}
          </div>
        </div>
        <div ref={frame} className="relative flex min-h-0 min-w-0 flex-1 overflow-auto max-md:flex-col">
          {active === null ? (
            <ConsoleEmpty
              sandbox={sandbox}
              role={role}
              isKnown={isKnown}
              isOpening={isOpening}
              reason={reason}
              problem={problem}
              others={tabs}
              onOpen={actions.open}
              onOpenAs={actions.openAs}
              onResume={() => handlers.onResume([sandbox])}
            />
          ) : null}
          {attached.map((each) => (
            <Fragment key={each.id}>
              <PanelBoundary what="terminal">
                <TerminalPane
                  ref={(handle) => {
                    if (handle) panes.current.set(each.id, handle);
                    else panes.current.delete(each.id);
                  }}
                  id={each.id}
                  listed={each}
                  isNew={fresh.has(each.id)}
                  isActive={each.id === active?.id}
                  isShown={each.id === active?.id || each.id === beside?.id}
                  fontSize={fontSize}
                  forScreenReaders={forScreenReaders}
                  sandbox={{ isRunning, isGone }}
                  onZoom={actions.zoom}
                  onCtrl={setIsCtrl}
                  onLeave={() => focusTab(container.current)}
                  onFocus={() => {
                    if (each.id !== beside?.id) return;
                    setBesideId(active?.id ?? null);
                    select(each.id);
                  }}
                  onTitle={(title) => setTitles((before) => new Map(before).set(each.id, title))}
                  onLink={each.id === active?.id ? setLink : undefined}
                  onReplace={() => void replace(each)}
                  onClose={() => void close(each.id, true)}
                  onResume={() => handlers.onResume([sandbox])}
                  share={each.id === firstBeside?.id ? share : null}
                />
              </PanelBoundary>
              {each.id === firstBeside?.id ? (
                <Separator
                  label="Size of the first terminal"
                  minPx={[MIN_PANE_PX, MIN_PANE_PX]}
                  isDefault={share === null}
                  onMove={(px) => setShare(shareOf(px, frame.current))}
                />
              ) : null}
            </Fragment>
          ))}
        </div>
        {active === null ? null : (
          <TouchKeys
            isCtrl={isCtrl}
            onCtrl={(isOn) => pane()?.setCtrl(isOn)}
            onKey={(key) => pane()?.press(key)}
          />
        )}
        {active !== null && problem !== null ? (
          <div className="shrink-0 border-line border-t px-4 py-2">
            <ErrorText>{problem}</ErrorText>
          </div>
        ) : null}
        <OpenDialog
          isOpen={dialog === 'open'}
          onClose={() => setDialog(null)}
          onChoose={(choice) => void open(choice)}
        />
        <RenameDialog
          console={toRename}
          onClose={() => setToRename(null)}
          onRename={(id, name) => void rename(id, name)}
        />
        <BusyDialog busy={busy} onClose={() => setBusy(null)} onEnd={(id) => void close(id, true)} />
        <KeysHelp
          first="console"
          isOpen={dialog === 'keys'}
          onClose={() => setDialog(null)}
          isMac={dialog === 'keys' && isOnMac()}
        />
        {dialogs}
      </div>
    </FinalFocus>
  );
}
