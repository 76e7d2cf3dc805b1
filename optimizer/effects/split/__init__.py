"""From one stage to two: what building needs goes into a builder stage, and a runtime stage does
the rest again, in the same order, from the same base.

`tasks` says what each command of a RUN is for, `plan` what becomes of each step in either stage,
and why; `lines` turns a plan into edits. Nothing here guesses: what cannot be told apart is in
both stages, and where even that would not give the same image the answer is an `Obstacle`.
"""
