"""How long, how much, how flat: what leaks behind customers' meters are judged by. Numbers alone."""

from __future__ import annotations

from dataclasses import dataclass

TICK_H = 6
"""Hours between two looks."""
WINDOW_H = 120
"""Hours that a look takes."""
HISTORY_DAYS = 35
GROWTH_DAYS = 14
"""What lasted longer ago than this is what a flow may have grown from."""
RECENT_DAYS = 7
"""The newest past is none: what comes and goes, or took days to be told, would be taken for habit."""
WEATHER_DAYS = 28
"""Over which meters are compared with each other: hot and cool spells."""
SLOTS = HISTORY_DAYS * 24 // TICK_H
LEAST_SLOTS = 10 * 24 // TICK_H
FULL_SLOTS = 28 * 24 // TICK_H
"""Looks before which a meter's past says nothing, and all it has to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """What must hold over one length of time."""

    hours: int
    least_l_h: float
    """Flow that must have lasted: in a short time a large family may have an event in every hour."""
    near: float
    """Hours a day at the floor, where flow fell back to it at once after use."""
    near_alone: float
    """Hours a day at the floor where it never did."""
    near_new: float
    """Hours a day at the floor where nothing like it lasted so long before."""
    small_l_h: float
    """The same where the floor is plain: use falls back to it at once, and most hours stand at it."""
    floors: float = 0.35
    """Of the largest: how far apart the floors of single days may be."""


BY_DAY_H = 72
"""A register coarser than the flow scatters the hours of a shorter time, which then crowd at any floor."""
LENGTHS = (
    Length(hours=36, least_l_h=15.0, small_l_h=7.0, near=7.0, near_alone=10.0, near_new=7.0),
    Length(hours=72, least_l_h=6.0, small_l_h=4.0, near=5.0, near_alone=9.0, near_new=5.0),
    Length(hours=120, least_l_h=2.0, small_l_h=2.0, near=2.5, near_alone=8.0, near_new=3.0, floors=0.15),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """What is told by the parts of the day alone: the less is wanted, the longer it has lasted."""

    hours: int
    most: float
    """Of the flow, beyond which no part may have risen."""
    floors: float
    """Of the largest: how far apart the floors of its days may be."""


ALIKE = {72: Alike(hours=84, most=1.3, floors=0.3), WINDOW_H: Alike(hours=WINDOW_H, most=1.5, floors=0.5)}
"""Judged with each length of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerSettings:
    """How far above its past, and how flat, a flow must be."""

    least_l_h: float = 2.0
    """Above a meter's starting flow."""
    rise: float = 0.3
    """Of what lasted as long before."""
    width: float = 0.2
    """What is at the floor: so much above it (a hole's flow goes with pressure), and a litre of rounding."""
    width_narrow: float = 0.15
    """The same of what never rests, and of a register coarser than the flow, whose rounding is wide already."""
    new: float = 0.3
    """Of the floor: with less in the past nothing like it was there before."""
    new_l_h: float = 10.0
    """Below this a float valve that closes slowly leaves the same floor day by day."""
    pulse_h: float = 6.0
    """Hours without a pulse that a house at rest has in any case: with fewer pulses of a coarse register no leak is seen."""
    small_l_h: float = 4.0
    near_doubtful: float = 3.0
    """So many hours a day more at the floor, where it is small or the register coarse: many hours come near it by chance."""
    fall: float = 2.5
    """Times the floor: a flow from which a return within the hour is no float valve's."""
    small_h: float = 13.0
    """Hours a day at the floor that tell a flow too small for its length, by a fine register."""
    plain_h: float = 10.0
    """Hours a day at the floor, to which use falls back, from which days may rise by more: people came home to their leak."""
    grown_l_h: float = 6.0
    """The least that is told of what has crept up."""
    grown_from: float = 0.25
    """Of it: so much ran at least in every hour, before the days are brought up to today's flow."""
    quiet_rise: float = 0.1
    quiet_l_h: float = 1.0
    """Of what lasted so long before, and above it: so little is enough in five days that had no hour as quiet as every day and a
    half had before them."""
    quiet_town: float = 1.3
    """Times as much as before, above which others use in a part of the day: then the past is too rough a measure for so little."""
    creeps_times: float = 2.0
    creeps_l_h: float = 6.0
    """Of the oldest of five days, and at least: the floor of the newest, where it creeps up."""
    creeps_back: float = 0.1
    creeps_step: float = 0.4
    """Of the newest floor, and of the whole growth: so much a day may fall behind the one before, or go beyond it at most."""
    creeps_most: float = 2.0
    """Of the mean of these floors, beyond which no part of the day may have risen."""
    still_h: float = 15.0
    """Hours a day at the floor where nobody lives: a house that is left with its leak."""
    still_rise: float = 0.1
    still_l_h: float = 3.0
    """Of what lasted so long before, and above it: what such a house must let run."""
    alike_rise: float = 0.25
    alike_l_h: float = 4.0
    """Of what lasted so long before, and above it: what is told by the parts of the day alone."""
    alike_sooner: float = 0.5
    """Of it: so much lasted the last 36 and 72 hours, too, above what lasted as long before."""
    along: float = 0.9
    along_meters: int = 5
    along_share: float = 0.015
    """How closely (correlation of the last ``WEATHER_DAYS``) and how many others at least, and of those looked at together, go
    along with what the weather makes run."""
    over: float = 0.4
    """Of the leak's flow: with less above the former level it is over."""
