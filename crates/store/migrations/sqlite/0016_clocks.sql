-- How far the latest time of what a sender sent last lay ahead of this machine's clock, in ticks of 100 ns:
-- a sender whose clock is off is seen by it.

ALTER TABLE sender ADD COLUMN ahead INTEGER;
