"""Stage `export`: what DVC made of a whole pipeline's last model."""

from speech_emotion.export import to_bytes, to_onnx
from speech_emotion.int8 import to_int8
from speech_emotion.model.checkpoint import load_model
from speech_emotion.predict.model import read_description
from speech_emotion.predict.predictor import Predictor
from tests.predict.voices import demo_voice
from tests.workspace import ACTORS, Workspace

FORMS = ("emotion.onnx", "emotion.int8.onnx")


def test_both_forms_answer_and_are_the_same_bytes_in_another_folder(finished_workspace: Workspace) -> None:
    models = finished_workspace.root / "models"
    assert all(Predictor(models / form)(*demo_voice()).speech for form in FORMS)
    graph = to_onnx(load_model(models / "speech" / "all.safetensors"))
    made = {"emotion.onnx": to_bytes(graph), "emotion.int8.onnx": to_bytes(to_int8(graph))}
    assert {form: (models / form).read_bytes() for form in FORMS} == made


def test_description_says_what_the_model_was_trained_on(finished_workspace: Workspace) -> None:
    described = read_description(finished_workspace.root / "models" / "emotion.json")
    assert list(described.made_of["clips"]) == ["ravdess"]  # TESS has no share in the training
    assert {f"ravdess/{actor}" for actor in ACTORS} < set(described.made_of["trained_on"])
    assert (described.reference.variance > 0).all()


def test_a_model_of_other_settings_is_not_exported(workspace: Workspace) -> None:
    workspace.set_param("speech.training.dropout", 0.5)
    workspace.replace_text("dvc.lock", "dropout: 0.3", "dropout: 0.5")
    words = workspace.run(
        "python", "-c", "import yaml; print(*yaml.safe_load(open('dvc.yaml'))['stages']['export']['cmd'].split()[3:])"
    )
    printed = workspace.stage("export", *words.split(), code=1)
    assert "all.safetensors: was made with dropout 0.3, dvc.lock says 0.5" in printed
