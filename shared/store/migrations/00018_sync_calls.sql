-- The calls of the last minute, so that all processes together stay within a provider's limits. Not
-- logged: a crash of the server forgets that minute, and should it be back sooner, the provider's own
-- refusal decides.

-- +goose Up
CREATE UNLOGGED TABLE sync.call_windows (
	provider text COLLATE "C" NOT NULL,
	account text COLLATE "C" NOT NULL,
	recent timestamptz[] NOT NULL,
	held_until timestamptz NOT NULL DEFAULT '-infinity',
	turn timestamptz,
	taken boolean NOT NULL DEFAULT true,
	PRIMARY KEY (provider, account)
) WITH (fillfactor = 50); -- a call rewrites its row, of up to 4 kB: leave it room on its page
ALTER TABLE sync.call_windows ALTER COLUMN recent SET STORAGE PLAIN;
COMMENT ON TABLE sync.call_windows IS 'When calls to an account were let go, the latest last; one in the future is reserved.';
COMMENT ON COLUMN sync.call_windows.account IS 'Empty: all accounts together, where the app itself has a limit.';
COMMENT ON COLUMN sync.call_windows.taken IS 'Whether the last who asked took the turn: not when it came too late for him.';
COMMENT ON COLUMN sync.call_windows.held_until IS 'The provider has had enough until then.';

REVOKE ALL ON sync.call_windows FROM PUBLIC;
