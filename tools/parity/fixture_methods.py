# SPDX-License-Identifier: Apache-2.0
"""Rows of record_fixtures.py: PEFT's methods, each on llama; some on families whose layers are made in another way."""
import peft.tuners.boft.layer as peft_boft
import torch
from fixture_peft import LINEARS
from peft import (
    AdaLoraConfig,
    BeftConfig,
    BOFTConfig,
    C3AConfig,
    DeftConfig,
    DeloraConfig,
    FrodConfig,
    FourierFTConfig,
    GloraConfig,
    GraloraConfig,
    HiraConfig,
    HRAConfig,
    LNTuningConfig,
    LoHaConfig,
    LoKrConfig,
    LoraConfig,
    MissConfig,
    OFTConfig,
    OSFConfig,
    PeanutConfig,
    PolyConfig,
    PrefixTuningConfig,
    PromptEncoderConfig,
    PromptTuningConfig,
    PsoftConfig,
    PveraConfig,
    RandLoraConfig,
    RoadConfig,
    ShiraConfig,
    SupertuningConfig,
    TinyLoraConfig,
    TrainableTokensConfig,
    UniLoraConfig,
    VeraConfig,
    WaveFTConfig,
)



class BlockDiagonal:
    """PEFT's CUDA extension for BOFT, in torch: where it cannot be built, PEFT takes one factor whatever the config says."""

    @staticmethod
    def apply(blocks):
        return torch.stack([torch.block_diag(*of_factor) for of_factor in blocks])


peft_boft.get_fbd_cuda = lambda: True
peft_boft.FastBlockDiag = BlockDiagonal

SOME = ["q_proj", "v_proj", "down_proj"]  # wide, narrow, and of another width


def config_of(kind, targets=SOME, **changes):
    return kind(**{"target_modules": targets, "task_type": "CAUSAL_LM"} | changes)


def beside(kind, **changes):
    """Of a method that adapts no linear layer."""
    return kind(**{"task_type": "CAUSAL_LM"} | changes)


ADAPTERS = {  # (model, name): config
    # total_step: of the five that are recorded. All directions but one of a layer go.
    ("llama", "adalora"): config_of(AdaLoraConfig, init_r=4, target_r=1, tinit=1, tfinal=1, total_step=5, lora_alpha=5),
    ("llama", "ln_tuning"): beside(LNTuningConfig),
    ("gemma2", "ln_tuning"): beside(LNTuningConfig),
    ("gpt2", "ln_tuning"): beside(LNTuningConfig),
    ("llama", "trainable_tokens"): beside(TrainableTokensConfig, token_indices=[3, 7, 40, 41, 42, 43, 44, 45]),
    ("llama_tied", "trainable_tokens"): beside(TrainableTokensConfig, token_indices=[3, 7, 40, 41, 42, 43, 44, 45]),
    ("llama", "prompt_tuning"): beside(PromptTuningConfig, num_virtual_tokens=3),
    ("gemma2", "prompt_tuning"): beside(PromptTuningConfig, num_virtual_tokens=3),
    ("gemma3_text", "prompt_tuning"): beside(PromptTuningConfig, num_virtual_tokens=3),
    ("phi3", "prompt_tuning"): beside(PromptTuningConfig, num_virtual_tokens=3),
    ("llama", "p_tuning"): beside(PromptEncoderConfig, num_virtual_tokens=3, encoder_hidden_size=10),
    ("llama", "p_tuning_lstm"): beside(PromptEncoderConfig, num_virtual_tokens=3, encoder_hidden_size=10,
                                       encoder_reparameterization_type="LSTM"),
    ("llama", "prefix_tuning_projection"): beside(PrefixTuningConfig, num_virtual_tokens=3, prefix_projection=True, encoder_hidden_size=10),
    ("llama", "prefix_tuning"): beside(PrefixTuningConfig, num_virtual_tokens=3),
    ("gemma2", "prefix_tuning"): beside(PrefixTuningConfig, num_virtual_tokens=3),
    ("phi3", "prefix_tuning"): beside(PrefixTuningConfig, num_virtual_tokens=3),
    ("llama", "lora_dora"): config_of(LoraConfig, LINEARS, r=3, lora_alpha=5, use_dora=True),
    ("llama_biases", "lora_dora"): config_of(LoraConfig, r=3, lora_alpha=5, use_dora=True),
    ("gemma2", "lora_dora"): config_of(LoraConfig, r=3, lora_alpha=5, use_dora=True),
    ("phi3", "lora_dora"): config_of(LoraConfig, ["qkv_proj", "down_proj"], r=3, lora_alpha=5, use_dora=True),
    ("llama", "lora_bias"): config_of(LoraConfig, r=3, lora_bias=True),
    ("llama_biases", "lora_trained_biases"): config_of(LoraConfig, ["q_proj"], r=2, bias="all"),
    ("llama_biases", "lora_biases_of_adapted"): config_of(LoraConfig, ["q_proj", "v_proj"], r=2, bias="lora_only"),
    ("gpt2", "lora_trained_biases"): config_of(LoraConfig, ["c_attn"], r=2, bias="all"),
    ("phi", "lora_trained_biases"): config_of(LoraConfig, ["q_proj"], r=2, bias="all"),  # whose head has one
    ("llama_biases", "adalora_biases"): config_of(AdaLoraConfig, ["q_proj"], init_r=3, target_r=1, tinit=1, tfinal=1, total_step=5, bias="all"),
    ("llama_biases", "boft_biases"): config_of(BOFTConfig, ["q_proj"], boft_block_size=4, bias="boft_only"),
    ("llama_biases", "c3a_biases"): config_of(C3AConfig, ["q_proj"], block_size=4, layers_to_transform=[1], bias="c3a_only"),
    ("llama_biases", "deft_biases"): config_of(DeftConfig, ["q_proj"], r=2, bias="deft_only"),
    ("llama_biases", "delora_biases"): config_of(DeloraConfig, ["q_proj"], r=2, bias="delora_only"),
    ("llama_biases", "gralora_biases"): config_of(GraloraConfig, ["q_proj"], r=4, alpha=6, bias="gralora_only"),
    ("llama_biases", "hra_biases"): config_of(HRAConfig, ["q_proj"], r=2, bias="hra_only"),
    ("llama_biases", "miss_biases"): config_of(MissConfig, ["q_proj"], r=2, bias="MiSS_only"),
    ("llama_biases", "oft_biases"): config_of(OFTConfig, ["q_proj"], oft_block_size=4, bias="oft_only"),
    ("llama_biases", "vera_biases"): config_of(VeraConfig, ["q_proj"], r=3, bias="vera_only"),
    # Tokens that stand in the first half of a document: the second half is decoded one by one.
    ("llama", "lora_activated"): config_of(LoraConfig, r=2, alora_invocation_tokens=[78]),
    ("llama", "lora_activated_by_two"): config_of(LoraConfig, ["v_proj", "down_proj"], r=2, alora_invocation_tokens=[87, 25]),
    ("llama", "lora_mica"): config_of(LoraConfig, r=2, init_lora_weights="mica"),
    ("llama", "lora_embedding"): config_of(LoraConfig, ["embed_tokens", "q_proj"], r=2),
    ("gemma3_text", "lora_embedding"): config_of(LoraConfig, ["embed_tokens"], r=2),
    ("llama", "lora_tokens"): config_of(LoraConfig, ["q_proj"], r=2, trainable_token_indices={"embed_tokens": [3, 40, 41], "lm_head": [5]}),
    ("llama_tied", "lora_tokens"): config_of(LoraConfig, ["q_proj"], r=2, trainable_token_indices=[3, 40, 41, 42]),
    ("llama", "lora_saved_modules"): config_of(LoraConfig, ["q_proj"], r=2, modules_to_save=["lm_head", "norm"]),
    ("llama_tied", "lora_saved_embedding"): config_of(LoraConfig, ["q_proj"], r=2, modules_to_save=["embed_tokens"]),
    ("llama", "beft"): config_of(BeftConfig, LINEARS),
    ("llama", "boft"): config_of(BOFTConfig, boft_block_size=4),
    ("llama", "boft_factors"): config_of(BOFTConfig, ["q_proj", "v_proj"], boft_block_size=4, boft_n_butterfly_factor=3),
    # One layer: PEFT 0.21.2 gives the rows before a C3A layer another gradient than its own forward has.
    ("llama", "c3a"): config_of(C3AConfig, ["down_proj"], block_size=4, layers_to_transform=[1]),
    ("llama", "deft"): config_of(DeftConfig, r=3, alpha=4),
    ("llama", "deft_qr"): config_of(DeftConfig, r=3, decomposition_method="qr"),
    ("llama", "deft_para"): config_of(DeftConfig, r=3, decomposition_method="qr", para=True),
    ("llama", "delora"): config_of(DeloraConfig, r=3, delora_lambda=2, rank_pattern={"v_proj": 2}, lambda_pattern={"down_proj": 3}),
    ("llama", "frod"): config_of(FrodConfig, projection_prng_key=3, sparse_rate=0.05),
    ("llama", "fourierft"): config_of(FourierFTConfig, LINEARS, n_frequency=40, scaling=9.0, init_weights=True),
    ("gpt2", "fourierft"): config_of(FourierFTConfig, ["c_attn", "c_proj"], n_frequency=30, scaling=9.0),  # fan_in_fan_out becomes true
    ("llama", "fourierft_random"): config_of(FourierFTConfig, n_frequency=30, n_frequency_pattern={"v_proj": 17}, scaling=20.0, random_loc_seed=5),
    ("llama", "glora"): config_of(GloraConfig, r=2),
    ("llama_biases", "glora"): config_of(GloraConfig, ["q_proj", "v_proj"], r=2),
    ("llama_biases", "glora_vector"): config_of(GloraConfig, ["q_proj", "v_proj"], config_A_B="none", config_C="vector", config_D_E="vector"),
    ("llama", "glora_constant"): config_of(GloraConfig, config_A_B="constant"),
    ("llama", "glora_vector"): config_of(GloraConfig, config_A_B="vector"),
    ("llama", "gralora"): config_of(GraloraConfig, r=4, alpha=6),
    ("llama", "gralora_hybrid"): config_of(GraloraConfig, r=4, alpha=6, gralora_k=4, hybrid_r=2),
    ("llama", "hira"): config_of(HiraConfig, r=3),  # PEFT 0.21.2 reads no rank_pattern
    ("llama", "hra"): config_of(HRAConfig, LINEARS, r=4),
    ("llama", "hra_orthogonal"): config_of(HRAConfig, r=3, apply_GS=True),
    ("llama", "loha"): config_of(LoHaConfig, LINEARS, r=3, alpha=5),
    ("llama", "lokr"): config_of(LoKrConfig, LINEARS, r=3, alpha=5),
    ("llama", "lokr_factors"): config_of(LoKrConfig, r=1, alpha=2, decompose_both=True, decompose_factor=8),
    ("llama", "loha_patterns"): config_of(LoHaConfig, r=3, alpha=5, rank_pattern={"v_proj": 2}, alpha_pattern={"self_attn.q_proj": 7}),
    ("llama", "miss"): config_of(MissConfig, r=5),  # which divides no layer's inputs
    ("llama", "miss_bat"): config_of(MissConfig, r=4, init_weights="bat"),
    ("llama", "miss_mini"): config_of(MissConfig, r=4, mini_r=8, init_weights="mini"),
    ("llama", "oft"): config_of(OFTConfig, LINEARS, oft_block_size=4),
    ("llama", "oft_constrained"): config_of(OFTConfig, oft_block_size=4, coft=True, eps=1.0),
    ("llama", "oft_cayley"): config_of(OFTConfig, r=4, oft_block_size=0, use_cayley_neumann=False),
    ("llama", "oft_shared"): config_of(OFTConfig, oft_block_size=4, block_share=True, num_cayley_neumann_terms=7),
    ("llama", "osf"): config_of(OSFConfig),
    ("llama", "peanut"): config_of(PeanutConfig, r=4, scaling=2.0),
    ("llama", "peanut_deep"): config_of(PeanutConfig, r=4, depth=2, act_fn="gelu"),
    ("llama", "poly"): config_of(PolyConfig, r=2, n_skills=3, n_splits=2),
    ("llama", "psoft"): config_of(PsoftConfig, r=5, psoft_alpha=6),
    ("llama", "psoft_any"): config_of(PsoftConfig, r=4, psoft_orth=False, psoft_mag_b=False),
    ("llama", "psoft_lowrank"): config_of(PsoftConfig, r=5, psoft_alpha=6, psoft_svd="lowrank", psoft_svd_lowrank_niter=3, random_seed=7),
    ("llama", "pvera"): config_of(PveraConfig, LINEARS, r=5, projection_prng_key=3),
    ("llama", "pvera_by_key"): config_of(PveraConfig, r=4, projection_prng_key=11, save_projection=False),
    ("llama", "randlora"): config_of(RandLoraConfig, LINEARS, r=5, randlora_alpha=10, projection_prng_key=3),
    ("llama", "randlora_by_key"): config_of(RandLoraConfig, r=6, randlora_alpha=12, projection_prng_key=11, save_projection=False),
    ("llama", "randlora_sparse"): config_of(RandLoraConfig, r=4, randlora_alpha=9, sparse=True, save_projection=False),
    ("llama", "randlora_very_sparse"): config_of(RandLoraConfig, ["q_proj", "up_proj"], r=8, randlora_alpha=8, very_sparse=True, save_projection=False),
    ("llama", "road_1"): config_of(RoadConfig, LINEARS, variant="road_1", group_size=4),
    ("llama", "road_2"): config_of(RoadConfig, variant="road_2", group_size=8),
    ("llama", "road_4"): config_of(RoadConfig, variant="road_4", group_size=8),
    ("llama", "shira"): config_of(ShiraConfig, r=2, random_seed=5),
    ("llama", "supertuning"): config_of(SupertuningConfig, sparsity=0.9),
    ("llama", "supertuning_smallest"): config_of(SupertuningConfig, sparsity=0.8, select_top=False, save_precomputed_indices=False),
    ("llama", "supertuning_supra"): config_of(SupertuningConfig, sparsity=0.95, r=3, lora_alpha=5),
    ("llama", "tinylora"): config_of(TinyLoraConfig, LINEARS, r=3, u=5, weight_tying=0.75),
    ("llama", "tinylora_uniform"): config_of(TinyLoraConfig, u=7, projection_seed=3, save_projection=False, init_weights="uniform", init_v_bound=0.5),
    # Families whose modules are in another order than q, k, v, o.
    ("opt", "tinylora"): config_of(TinyLoraConfig, "all-linear", u=5, weight_tying=0.5, save_projection=False),
    ("phi3", "unilora"): config_of(UniLoraConfig, "all-linear", r=2, theta_d_length=30),
    ("granitemoehybrid_dense", "unilora"): config_of(UniLoraConfig, "all-linear", r=2, theta_d_length=30),
    ("qwen3_5_text", "unilora"): config_of(UniLoraConfig, "all-linear", r=2, theta_d_length=30),
    ("opt_post_norm", "unilora"): config_of(UniLoraConfig, "all-linear", r=2, theta_d_length=30),
    ("llama", "unilora"): config_of(UniLoraConfig, LINEARS, r=3, theta_d_length=50, init_theta_d_bound=0.5),
    ("llama", "unilora_indices"): config_of(UniLoraConfig, r=2, theta_d_length=40, proj_seed=7, save_indices=True),
    ("llama", "vera"): config_of(VeraConfig, LINEARS, r=5, projection_prng_key=3),
    ("llama", "vera_by_key"): config_of(VeraConfig, r=5, projection_prng_key=11, save_projection=False),
    ("llama", "waveft"): config_of(WaveFTConfig, LINEARS, n_frequency=40, scaling=9.0),
    ("llama", "waveft_db4"): config_of(WaveFTConfig, n_frequency=60, n_frequency_pattern={"v_proj": 17}, scaling=9.0, wavelet_family="db4", random_loc_seed=5, init_weights=False),
    ("llama", "waveft_sym5"): config_of(WaveFTConfig, n_frequency=60, wavelet_family="sym5"),
    ("llama", "waveft_coif2"): config_of(WaveFTConfig, n_frequency=60, wavelet_family="coif2"),
    ("llama", "waveft_values"): config_of(WaveFTConfig, n_frequency=40, use_idwt=False, proportional_parameters=True),
}
