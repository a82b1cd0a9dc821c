"""The public names with their types; `__init__.py` imports them when they are first used."""

from CompactSegLib.errors import Cancelled as Cancelled
from CompactSegLib.errors import CompactSegError as CompactSegError
from CompactSegLib.errors import ConfigurationError as ConfigurationError
from CompactSegLib.errors import DeviceError as DeviceError
from CompactSegLib.errors import InputError as InputError
from CompactSegLib.errors import ModelError as ModelError
from CompactSegLib.errors import OutputError as OutputError
from CompactSegLib.inference.progress import Progress as Progress
from CompactSegLib.inference.run import Run as Run
from CompactSegLib.inference.segmenter import Segmenter as Segmenter
from CompactSegLib.inference.segmenter import segment as segment
from CompactSegLib.labels import Label as Label
from CompactSegLib.model.folder import check_model as check_model
from CompactSegLib.model.folder import write_model as write_model
from CompactSegLib.model.model import Model as Model
from CompactSegLib.model.registry import list_models as list_models
from CompactSegLib.model.registry import load_model as load_model
from CompactSegLib.network.config import NetConfig as NetConfig
from CompactSegLib.network.net import MultiLevelNet as MultiLevelNet
from CompactSegLib.output.level import Level as Level
from CompactSegLib.output.level import RunInfo as RunInfo
from CompactSegLib.output.writing import write_labels as write_labels
from CompactSegLib.volume.conversion import VolumeLike as VolumeLike
from CompactSegLib.volume.conversion import as_volume as as_volume
from CompactSegLib.volume.geometry import Geometry as Geometry
from CompactSegLib.volume.reading import read_volume as read_volume
from CompactSegLib.volume.volume import Volume as Volume

__version__: str
