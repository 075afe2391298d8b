# Written by .ci/write-stub from the table of names in __init__.py.
from . import _core as _core
from . import blocking as blocking
from . import catalogue as catalogue
from . import cdsapi as cdsapi
from . import client as client
from . import compound as compound
from . import config as config
from . import database as database
from . import diagnostics as diagnostics
from . import doctor as doctor
from . import drought as drought
from . import errors as errors
from . import fire as fire
from . import indices as indices
from . import journal as journal
from . import plot as plot
from . import pointwise as pointwise
from . import pool as pool
from . import reader as reader
from . import request as request
from . import storms as storms
from . import testing as testing
from .cache import get_cache_bytes as get_cache_bytes
from .cache import set_cache_bytes as set_cache_bytes
from .catalogue import EventCatalogue as EventCatalogue
from .chunk_manifest import chunk_references as chunk_references
from .client import Client as Client
from .client import retrieve as retrieve
from .database import EventDatabase as EventDatabase
from .diagnostics import anomaly as anomaly
from .diagnostics import climatology as climatology
from .diagnostics import correlation as correlation
from .diagnostics import daily as daily
from .diagnostics import detrend as detrend
from .diagnostics import excess_heat as excess_heat
from .diagnostics import find_events as find_events
from .diagnostics import fire_weather as fire_weather
from .diagnostics import gev as gev
from .diagnostics import gpd as gpd
from .diagnostics import hargreaves as hargreaves
from .diagnostics import heatwave_aspects as heatwave_aspects
from .diagnostics import heatwave_climatology as heatwave_climatology
from .diagnostics import hwmid as hwmid
from .diagnostics import mann_kendall as mann_kendall
from .diagnostics import net_radiation as net_radiation
from .diagnostics import penman_monteith as penman_monteith
from .diagnostics import percentile as percentile
from .diagnostics import percentile_doy as percentile_doy
from .diagnostics import percentile_exceedance as percentile_exceedance
from .diagnostics import resample as resample
from .diagnostics import run_lengths as run_lengths
from .diagnostics import spei as spei
from .diagnostics import spell_statistics as spell_statistics
from .diagnostics import spi as spi
from .diagnostics import thornthwaite as thornthwaite
from .diagnostics import track as track
from .drought import drought_events as drought_events
from .heatwave_kinds import heatwaves as heatwaves
from .indices import etccdi as etccdi
from .installation import show_versions as show_versions
from .journal import leftovers as leftovers
from .journal import remove_leftovers as remove_leftovers
from .labelled_masks import events_from_labels as events_from_labels
from .labels import label as label
from .lows import find_highs as find_highs
from .lows import find_lows as find_lows
from .plan import Plan as Plan
from .point_tracks import Tracks as Tracks
from .point_tracks import link_points as link_points
from .points import distance_matrix as distance_matrix
from .points import great_circle as great_circle
from .points import sample as sample
from .pointwise import apparent_temperature as apparent_temperature
from .pointwise import dewpoint as dewpoint
from .pointwise import heat_index as heat_index
from .pointwise import humidex as humidex
from .pointwise import mean_radiant_temperature as mean_radiant_temperature
from .pointwise import relative_humidity as relative_humidity
from .pointwise import saturation_vapour_pressure as saturation_vapour_pressure
from .pointwise import utci as utci
from .pointwise import vapour_pressure as vapour_pressure
from .pointwise import wbgt as wbgt
from .pointwise import wbgt_simple as wbgt_simple
from .pointwise import wet_bulb as wet_bulb
from .pointwise import wind_chill as wind_chill
from .pointwise import wind_direction as wind_direction
from .pointwise import wind_speed as wind_speed
from .pool import Executor as Executor
from .pool import ThreadPool as ThreadPool
from .quality import report as report
from .rasters import area_mean as area_mean
from .reader import explain as explain
from .reader import open_dataset as open_dataset
from .reader import read as read
from .regions import Regions as Regions
from .regions import regional as regional
from .request import Request as Request
from .resampling import bootstrap as bootstrap
from .resampling import permutation_test as permutation_test
from .small_files import map_files as map_files
from .spell_table import marine_heatwaves as marine_heatwaves
from .spell_table import spells as spells
from .stations import write_csv as write_csv
from .threads import get_num_threads as get_num_threads
from .threads import set_num_threads as set_num_threads
from .track_tables import read_points as read_points
from .track_tables import read_tracks as read_tracks
from .units import convert_units as convert_units
from .variable_requests import variable as variable
from .variable_requests import variables as variables

__version__: str
__all__ = [
    "Client",
    "EventCatalogue",
    "EventDatabase",
    "Executor",
    "Plan",
    "Regions",
    "Request",
    "ThreadPool",
    "Tracks",
    "anomaly",
    "apparent_temperature",
    "area_mean",
    "bootstrap",
    "chunk_references",
    "climatology",
    "convert_units",
    "correlation",
    "daily",
    "detrend",
    "dewpoint",
    "distance_matrix",
    "drought_events",
    "etccdi",
    "events_from_labels",
    "excess_heat",
    "explain",
    "find_events",
    "find_highs",
    "find_lows",
    "fire_weather",
    "get_cache_bytes",
    "get_num_threads",
    "gev",
    "gpd",
    "great_circle",
    "hargreaves",
    "heat_index",
    "heatwave_aspects",
    "heatwave_climatology",
    "heatwaves",
    "humidex",
    "hwmid",
    "label",
    "leftovers",
    "link_points",
    "mann_kendall",
    "map_files",
    "marine_heatwaves",
    "mean_radiant_temperature",
    "net_radiation",
    "open_dataset",
    "penman_monteith",
    "percentile",
    "percentile_doy",
    "percentile_exceedance",
    "permutation_test",
    "read",
    "read_points",
    "read_tracks",
    "regional",
    "relative_humidity",
    "remove_leftovers",
    "report",
    "resample",
    "retrieve",
    "run_lengths",
    "sample",
    "saturation_vapour_pressure",
    "set_cache_bytes",
    "set_num_threads",
    "show_versions",
    "spei",
    "spell_statistics",
    "spells",
    "spi",
    "thornthwaite",
    "track",
    "utci",
    "vapour_pressure",
    "variable",
    "variables",
    "wbgt",
    "wbgt_simple",
    "wet_bulb",
    "wind_chill",
    "wind_direction",
    "wind_speed",
    "write_csv",
]

_HOME: dict[str, str]
_MODULES: tuple[str, ...]
