"""The public API: what README, documents and examples import."""

from .app.session import check as check
from .app.session import claims as claims
from .app.session import hunt as hunt
from .app.session import replay as replay
from .app.session import shrink as shrink
from .app.session import verify as verify
from .core.claims import CONJECTURE as CONJECTURE
from .core.claims import CONTROL as CONTROL
from .core.claims import THEOREM as THEOREM
from .core.claims import Claim as Claim
from .core.claims import Inapplicable as Inapplicable
from .core.claims import Margin as Margin
from .core.claims import Outcome as Outcome
from .core.claims import Unresolved as Unresolved
from .core.claims import Verdict as Verdict
from .core.claims import claim as claim
from .core.claims import worst as worst
from .core.tolerances import Numerics as Numerics
from .model.instance import Instance as Instance
from .model.losses import Loss as Loss
from .model.ncf import Ncf as Ncf
from .model.ncf import Problem as Problem
from .model.networks import Network as Network
from .model.networks import dense as dense
from .report.plots import plot as plot
from .report.portrait import portrait as portrait
from .strategies.choices import composite as composite
from .strategies.datasets import families as families
from .strategies.found import found_points as found_points
from .strategies.instances import given as given
from .strategies.instances import instances as instances
from .strategies.structured import rank_one_points as rank_one_points
from .theory.flow.trajectories import Trajectory as Trajectory
from .theory.flow.trajectories import loss_flow as loss_flow
from .theory.flow.trajectories import ncf_flow as ncf_flow
from .theory.kkt.points import flow_limit as flow_limit
from .theory.kkt.points import polish as polish
from .theory.kkt.points import positive_limit as positive_limit
from .theory.starts import unit as unit
from .verdicts.dataframes import coverage as coverage
from .verdicts.dataframes import margins as margins
from .verdicts.dataframes import results as results
from .verdicts.ledger import instances_tested as instances_tested

__version__: str
