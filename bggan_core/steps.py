"""One step of each stage: what the generator learns from a batch, and in stage B first the critics.

Gradients are means over the global batch, whatever the number of replicas: each replica's loss is the mean of its equal
part, and the replicas' gradients are averaged before they are clipped and applied.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import keras
import tensorflow as tf

from bggan_core.configs import TrainingConfig
from bggan_core.critics import build_critics
from bggan_core.glassnet import GlassNetConfig, build_glassnet
from bggan_core.guidance import GuidanceConfig, Guide, GuidingHeads, TeacherComponents, build_teacher, tapped_layers
from bggan_core.losses import (
    Features,
    adversarial_loss,
    critic_free_loss,
    critic_gap,
    gradient_penalty,
    hybrid_loss,
    perceptual_loss,
    reconstruction_terms,
)

# Adam's, of the guiding heads: without the momentum that critics forbid, a head would jump with every picture.
_HEADS_BETAS = (0.9, 0.99)

Terms = dict[str, tf.Tensor]

# The network's images (final, rough), the ground truth and the mask to scalars by name, "total" among them.
Objective = Callable[[Sequence[tf.Tensor], tf.Tensor, tf.Tensor], Terms]

# A replica's photos, bokeh, masks and defocus, and the number of the step, to scalars by name.
Step = Callable[[tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor], Terms]


class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that rises linearly, then falls along half a cosine to its final value (Loshchilov & Hutter 2017)."""

    def __init__(self, config: TrainingConfig) -> None:
        self.config = config

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        step, config = tf.cast(step, tf.float32), self.config
        done = tf.clip_by_value(step / max(config.total_steps, 1), 0.0, 1.0)
        span = config.learning_rate - config.final_learning_rate
        rate = config.final_learning_rate + span * 0.5 * (1.0 + tf.cos(math.pi * done))
        return rate * tf.minimum(1.0, (step + 1.0) / max(config.warmup_steps, 1))

    def get_config(self) -> dict[str, TrainingConfig]:
        return {"config": self.config}


@dataclass(frozen=True)
class Learners:
    """All that learns in a stage, each with its own optimiser, and the frozen feature network."""

    network: keras.Model
    optimizer: keras.optimizers.Optimizer
    critics: list[keras.Model] = field(default_factory=list)
    critic_optimizer: keras.optimizers.Optimizer | None = None
    features: Features | None = None
    guide: Guide | None = None

    @property
    def critic_variables(self) -> list[keras.Variable]:
        """The variables of all critics, in order."""
        return [variable for critic in self.critics for variable in critic.trainable_variables]


def build_learners(config: TrainingConfig, *, features: keras.Model | None = None) -> Learners:
    """Build what a configuration trains, from its seed; optimisers have their slots, so that a checkpoint finds them.

    Args:
        features: The network of `config.feature_network`.
    Raises:
        ValueError: the configuration needs a feature network and there is none.
    """
    if config.feature_network and features is None:
        raise ValueError(f"{config.name} needs a feature network: build_feature_network makes one")
    keras.utils.set_random_seed(config.seed)
    network = build_training_network(config.network, precision=config.precision)
    betas = (config.beta_1, config.beta_2)
    optimizer = _build_adam(WarmupCosine(config), network.trainable_variables, betas=betas)
    guide = _build_guide(config, config.guidance, network, features) if config.guidance else None
    if config.critics is None:
        return Learners(network, optimizer, features=features, guide=guide)
    critics = build_critics(config.critics)
    # One Adam serves all critics: it treats each weight alone.
    variables = [variable for critic in critics for variable in critic.trainable_variables]
    critic_optimizer = _build_adam(config.critics.learning_rate, variables, betas=betas)
    return Learners(network, optimizer, critics, critic_optimizer, features, guide)


def _build_guide(
    config: TrainingConfig, guidance: GuidanceConfig, network: keras.Model, features: keras.Model | None
) -> Guide:
    teacher = TeacherComponents(build_teacher(features)) if features and guidance.features else None
    channels = {"focus": 1}
    if teacher:
        channels["features"] = teacher.count
    if guidance.defocus:
        channels["defocus"] = 1
    heads = GuidingHeads(network, tapped_layers(config.network), channels=channels)
    rate = guidance.heads_learning_rate or config.learning_rate
    schedule = WarmupCosine(dataclasses.replace(config, learning_rate=rate))
    optimizer = _build_adam(schedule, heads.trainable_variables, betas=_HEADS_BETAS)
    return Guide(guidance, heads, optimizer, teacher)


def build_training_network(network: GlassNetConfig, *, precision: str) -> keras.Model:
    """Build a Glass-Net that computes in a Keras mixed-precision policy, "float32" or "mixed_bfloat16"."""
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(precision)
    try:
        return build_glassnet(network)
    finally:
        keras.mixed_precision.set_dtype_policy(before)


def build_step(learners: Learners, config: TrainingConfig) -> Step:
    """Write one step of one replica; it runs inside `tf.distribute.Strategy.run` or with the default strategy.

    The scalars are the objective's terms, those of the guiding tasks, "gradient_norm" and "learning_rate" of the
    generator, and in stage B those of `build_critic_step`.
    """
    objective = build_objective(learners, config)
    critic_step = build_critic_step(learners, config) if learners.critics else None
    guide, rendering_network = learners.guide, learners.network
    guiding_variables = guide.heads.trainable_variables if guide else []
    if guide:
        taps = [learners.network.get_layer(name).output for name in tapped_layers(config.network)]
        rendering_network = keras.Model(learners.network.input, [*learners.network.outputs, *taps])

    def step(batch: tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], number: tf.Tensor) -> Terms:
        photos, bokeh, mask, _ = batch
        with tf.GradientTape() as rendering:
            images = rendering_network(photos, training=True)
        # The critics learn first, from the renderings as numbers: nothing of their loss can reach the generator.
        critic_terms: Terms = {}
        if critic_step:
            critic_terms = critic_step(bokeh * mask, tf.stop_gradient(images[0]) * mask, number)
        with tf.GradientTape(watch_accessed_variables=False) as judging:
            sources = [images, [variable.value for variable in guiding_variables]]
            judging.watch(sources)
            terms = objective(images[:2], bokeh, mask)
            guidance = guide.loss(images[2:], batch) if guide else {"guidance": 0.0}
            learned = terms["total"] + guidance.pop("guidance")
        slopes, guiding_gradients = judging.gradient(learned, sources)
        gradients = rendering.gradient(images, learners.network.trainable_variables, output_gradients=slopes)
        rate = tf.convert_to_tensor(learners.optimizer.learning_rate)
        norm = apply_gradients(
            learners.optimizer, gradients, learners.network.trainable_variables, clip_norm=config.clip_norm
        )
        if guide:
            apply_gradients(guide.optimizer, guiding_gradients, guiding_variables)
        return {**terms, **guidance, **critic_terms, "gradient_norm": norm, "learning_rate": rate}

    return step


def build_objective(learners: Learners, config: TrainingConfig) -> Objective:
    """Write the generator's objective: stage A's, eq. 3, or eq. 7 without critics."""
    stage_b = config.stage_b
    if stage_b is None:
        return lambda images, bokeh, mask: config.loss(images[0], images[1], bokeh, mask)

    def objective(images: Sequence[tf.Tensor], bokeh: tf.Tensor, mask: tf.Tensor) -> Terms:
        final, rough = images
        terms = reconstruction_terms(final, rough, bokeh, mask)
        if stage_b.weights.perceptual and learners.features:
            terms["perceptual"] = perceptual_loss(learners.features, final, bokeh, mask)
        if not learners.critics:
            return {**terms, "total": critic_free_loss(terms, stage_b.weights)}
        # Paper: how the critics' terms are combined is not said. Here: their mean, so that eq. 3's factor holds for
        # any number of critics.
        adversarial = [adversarial_loss(critic(final * mask)) for critic in learners.critics]
        terms["adversarial"] = tf.add_n(adversarial) / len(adversarial)
        return {**terms, "total": hybrid_loss(terms, stage_b.weights)}

    return objective


def build_critic_step(learners: Learners, config: TrainingConfig) -> Callable[[tf.Tensor, tf.Tensor, tf.Tensor], Terms]:
    """Write one step of the critics: ground truth, renderings and the number of the step in.

    Out come "gap_N" and "penalty_N" of the critic that sees N pixels, and "critic_gradient_norm".
    """
    settings, optimizer = config.critics, learners.critic_optimizer
    if settings is None or optimizer is None:
        raise ValueError(f"{config.name} has no critics")

    def step(real: tf.Tensor, fake: tf.Tensor, number: tf.Tensor) -> Terms:
        terms: Terms = {}
        losses = []
        with tf.GradientTape() as tape:
            for critic in learners.critics:
                name = critic.name.removeprefix("critic_")
                gap = critic_gap(critic(real), critic(fake))
                mix = draw_mix(config.seed, number, images=tf.shape(real)[0])
                penalty = gradient_penalty(critic, real, fake, mix=mix)
                losses.append(settings.penalty_weight * penalty - gap)
                terms |= {f"gap_{name}": gap, f"penalty_{name}": penalty}
            loss = tf.add_n(losses)
        gradients = tape.gradient(loss, learners.critic_variables)
        terms["critic_gradient_norm"] = apply_gradients(optimizer, gradients, learners.critic_variables)
        return terms

    return step


def draw_mix(seed: int, number: tf.Tensor, *, images: tf.Tensor) -> tf.Tensor:
    """Draw where the penalty of step `number` is taken, [images, 1, 1, 1]: this replica's part of the global draw."""
    context = tf.distribute.get_replica_context()
    total = images * context.num_replicas_in_sync
    draw = tf.random.stateless_uniform((total, 1, 1, 1), seed=tf.stack([tf.cast(seed, tf.int64), number]))
    first = tf.cast(context.replica_id_in_sync_group, tf.int32) * images
    return draw[first : first + images]


def apply_gradients(
    optimizer: keras.optimizers.Optimizer,
    gradients: Sequence[tf.Tensor],
    variables: Sequence[keras.Variable],
    *,
    clip_norm: float | None = None,
) -> tf.Tensor:
    """Average gradients over the replicas, clip them to a global norm, and apply them; return the norm before that."""
    context = tf.distribute.get_replica_context()
    replicas = context.num_replicas_in_sync
    if replicas > 1:
        gradients = context.all_reduce(tf.distribute.ReduceOp.MEAN, list(gradients))
    norm = tf.linalg.global_norm(gradients)
    if clip_norm is not None:
        gradients, _ = tf.clip_by_global_norm(gradients, clip_norm, use_norm=norm)
    # Keras sums over the replicas once more; the equal parts add up to the mean.
    optimizer.apply([gradient / replicas for gradient in gradients], variables)
    return norm


def _build_adam(
    rate: float | WarmupCosine, variables: Sequence[keras.Variable], *, betas: tuple[float, float]
) -> keras.optimizers.Optimizer:
    optimizer = keras.optimizers.Adam(rate, beta_1=betas[0], beta_2=betas[1])
    optimizer.build(variables)
    return optimizer
