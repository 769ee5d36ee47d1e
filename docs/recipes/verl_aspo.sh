#!/usr/bin/env bash
# ASPO, profile `paper`, on DeepSeek-R1-Distill-Qwen-1.5B with verl 0.9.1, on the Ray cluster at RAY_ADDRESS or a new one.
# usage: verl_aspo.sh TRAIN.parquet VALIDATION.parquet [KEY=VALUE ...]
# Settings: arXiv 2510.06062v2 where it names them, else the scripts of wizard-III/Archer2.0@b08d963; see docs/verl.md.
set -euo pipefail
[ $# -ge 2 ] || { sed -n 3p "$0" >&2; exit 2; }
train=$1 validation=$2
shift 2

settings=(
    # 64 problems of 16 responses a step, in mini-batches of 16 problems, three times over.
    data.train_files="$train"
    data.val_files="$validation"
    data.train_batch_size=64
    data.max_prompt_length=2048
    data.max_response_length=32768
    data.filter_overlong_prompts=True
    actor_rollout_ref.rollout.n=16
    actor_rollout_ref.actor.ppo_mini_batch_size=16
    actor_rollout_ref.actor.ppo_epochs=3

    # ASPO. The mean over the responses of the means over their tokens is equation 1 of the paper.
    actor_rollout_ref.model.external_lib=evalkit.integrations.verl
    actor_rollout_ref.actor.policy_loss.loss_mode=aspo
    actor_rollout_ref.actor.clip_ratio_low=0.2
    actor_rollout_ref.actor.clip_ratio_high=0.2
    actor_rollout_ref.actor.clip_ratio_c=3.0
    actor_rollout_ref.actor.loss_agg_mode=seq-mean-token-mean
    actor_rollout_ref.actor.use_kl_loss=True
    actor_rollout_ref.actor.kl_loss_coef=0.001
    actor_rollout_ref.actor.kl_loss_type=low_var_kl
    actor_rollout_ref.actor.entropy_coeff=0
    algorithm.adv_estimator=grpo
    algorithm.norm_adv_by_std_in_grpo=True

    # Rewards. The template of this model ends inside <think>.
    reward.custom_reward_function.path=pkg://evalkit.integrations.verl_reward
    reward.custom_reward_function.name=compute_score_async
    +reward.custom_reward_function.reward_kwargs.thinking_opened=True
    reward.reward_manager.name=naive

    actor_rollout_ref.model.path="${MODEL:-deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B}"
    actor_rollout_ref.actor.optim.lr=1e-6
    actor_rollout_ref.actor.optim.lr_warmup_steps=10
    actor_rollout_ref.actor.optim.weight_decay=0.1
    actor_rollout_ref.actor.optim.clip_grad=1.0

    # Packed by tokens: 34816 is the longest prompt with the longest response.
    actor_rollout_ref.actor.use_dynamic_bsz=True
    actor_rollout_ref.actor.ppo_max_token_len_per_gpu=34816
    actor_rollout_ref.rollout.name=vllm
    actor_rollout_ref.rollout.tensor_model_parallel_size=1
    actor_rollout_ref.rollout.gpu_memory_utilization=0.7
    actor_rollout_ref.rollout.temperature=1.0
    actor_rollout_ref.rollout.top_p=1.0
    actor_rollout_ref.rollout.val_kwargs.do_sample=True
    actor_rollout_ref.rollout.val_kwargs.temperature=0.8
    actor_rollout_ref.rollout.val_kwargs.n=4

    trainer.nnodes="${NUM_NODES:-1}"
    trainer.n_gpus_per_node="${GPUS_PER_NODE:-8}"
    trainer.save_freq=10
    trainer.test_freq=10
    trainer.project_name=evalkit
    trainer.experiment_name=aspo-paper
    'trainer.logger=[console,tensorboard]'
)

exec "${PYTHON:-python3}" -m verl.trainer.main_ppo "${settings[@]}" "$@"
