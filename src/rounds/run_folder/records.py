"""The JSON records of a run folder by name: what `rounds schema` prints."""

from pydantic import BaseModel, RootModel

from rounds.run_folder.dataset import DatasetFile
from rounds.run_folder.evidence import EvidenceFile
from rounds.run_folder.findings import FindingsFile
from rounds.run_folder.metrics import MetricsFile
from rounds.run_folder.plan import PlanFile
from rounds.run_folder.prescriptions import PrescriptionRecord
from rounds.run_folder.stored import Content

RECORDS: dict[str, type[BaseModel]] = {
    "dataset": DatasetFile,
    "evidence": EvidenceFile,
    "findings": FindingsFile,
    "metrics": MetricsFile,
    "plan": PlanFile,
    "prescriptions": RootModel[list[PrescriptionRecord]],
}


def schema(name: str) -> Content:
    """The JSON Schema of a record; KeyError where there is none of that name.

    >>> schema("metrics")["title"]
    'MetricsFile'
    """
    return RECORDS[name].model_json_schema()
