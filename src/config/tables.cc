// Every field of the configuration, once: name, sentence, example, bounds, unit, environment, live or restart. The type is the
// member's, the default is the one in settings.h.

#include "config/tables.h"

namespace cardea::config {
namespace {

constexpr std::uint64_t second_ms = 1'000;
constexpr std::uint64_t hour_ms = 3'600'000;
constexpr std::uint64_t gib = 1ULL << 30;

constexpr Field log_fields[] = {
    field<&Log::format>("format", {.doc = "Form of the log lines; auto is console on a terminal and JSON elsewhere.",
                                   .example = "json",
                                   .env = "CARDEA_LOG_FORMAT,LOG_FORMAT"}),
    field<&Log::level>(
        "level",
        {.doc = "Least severity written. Requests are logged at info.", .example = "info", .env = "CARDEA_LOG_LEVEL,LOG_LEVEL"}),
};

constexpr Field limit_fields[] = {
    field<&Limits::head_bytes>(
        "head_bytes",
        {.doc = "Largest request line and headers together.", .example = "32KiB", .unit = "bytes", .min = 1024, .max = 1U << 20}),
    field<&Limits::headers>("headers", {.doc = "Most header lines in a request.", .example = "100", .min = 8, .max = 10'000}),
    field<&Limits::body_bytes>("body_bytes", {.doc = "Largest request body.",
                                              .example = "32MiB",
                                              .unit = "bytes",
                                              .also = "max_body_size,client_max_body_size",
                                              .min = 1024,
                                              .max = 2 * gib}),
    field<&Limits::upload_bytes>(
        "upload_bytes", {.doc = "Largest upload (sound, pictures, files), which is kept in the data directory until it is sent.",
                         .example = "512MiB",
                         .unit = "bytes",
                         .also = "max_upload_size",
                         .min = 1024,
                         .max = 64 * gib}),
    field<&Limits::image_bytes>("image_bytes", {.doc = "Largest picture among the files of an upload that must be one.",
                                                .example = "50MiB",
                                                .unit = "bytes",
                                                .min = 1024,
                                                .max = 64 * gib}),
    field<&Limits::audio_bytes>("audio_bytes", {.doc = "Largest sound among the files of an upload that must be one.",
                                                .example = "25MiB",
                                                .unit = "bytes",
                                                .min = 1024,
                                                .max = 64 * gib}),
    field<&Limits::connections>("connections",
                                {.doc = "Most client connections at once; 0 is just below half the descriptor limit.",
                                 .example = "10000",
                                 .max = 10'000'000,
                                 .apply = Apply::restart}),
    field<&Limits::response_bytes>("response_bytes", {.doc = "Largest upstream answer that is not a stream.",
                                                      .example = "64MiB",
                                                      .unit = "bytes",
                                                      .min = 1024,
                                                      .max = 2 * gib}),
    field<&Limits::sse_event_bytes>(
        "sse_event_bytes",
        {.doc = "Largest single event of an upstream's stream.", .example = "4MiB", .unit = "bytes", .min = 1024, .max = gib}),
};

constexpr Field timeout_fields[] = {
    field<&Timeouts::header>(
        "header", {.doc = "A client has this long to send a request's head.", .example = "10s", .min = 10, .max = hour_ms}),
    field<&Timeouts::body>(
        "body", {.doc = "A client may pause this long while sending a body.", .example = "60s", .min = 10, .max = hour_ms}),
    field<&Timeouts::idle>("idle", {.doc = "A client connection without a request is closed after this.",
                                    .example = "75s",
                                    .also = "keep_alive,keepalive",
                                    .min = 10,
                                    .max = 24 * hour_ms}),
    field<&Timeouts::connect>(
        "connect",
        {.doc = "Reaching an upstream, TLS included.", .example = "5s", .also = "connect_timeout", .min = 10, .max = hour_ms}),
    field<&Timeouts::first_byte>(
        "first_byte", {.doc = "From the request to the upstream's answer; of a stream, to its first event that is no comment.",
                       .example = "120s",
                       .also = "request_timeout,first_token",
                       .min = 10,
                       .max = 24 * hour_ms}),
    field<&Timeouts::inter_chunk>("inter_chunk",
                                  {.doc = "Longest pause inside an upstream's answer; comments in a stream do not end a pause.",
                                   .example = "60s",
                                   .also = "stream_timeout",
                                   .min = 10,
                                   .max = 24 * hour_ms}),
    field<&Timeouts::total>(
        "total", {.doc = "Longest whole request; 0 is without end.", .example = "10m", .also = "timeout", .max = 24 * hour_ms}),
};

constexpr Field upstream_fields[] = {
    field<&Upstream::idle_max>("idle_max",
                               {.doc = "Idle connections kept open per upstream and worker.", .example = "64", .max = 10'000}),
    field<&Upstream::idle>("idle", {.doc = "How long an idle connection is kept.",
                                    .example = "55s",
                                    .also = "idle_seconds,idle_timeout",
                                    .min = second_ms,
                                    .max = hour_ms}),
    field<&Upstream::tls_ca>("tls_ca", {.doc = "PEM file of authorities trusted beside the system's.",
                                        .example = "/etc/cardea/company-ca.pem",
                                        .env = "CARDEA_TLS_CA",
                                        .also = "ca,ca_cert,ca_file"}),
    field<&Upstream::proxy>("proxy",
                            {.doc = "HTTP proxy for upstreams; left out, HTTPS_PROXY and NO_PROXY of the environment count.",
                             .example = "http://proxy:3128"}),
};

constexpr Field metrics_fields[] = {
    field<&Metrics::enabled>("enabled", {.doc = "Serve Prometheus metrics at /metrics.", .example = "on"}),
    field<&Metrics::auth>(
        "auth",
        {.doc = "Who may read them: auto asks for a gateway key when any exists, key always, open never.", .example = "open"}),
};

constexpr Field responses_fields[] = {
    field<&Responses::store>(
        "store",
        {.doc = "Keep what the Responses API promises to keep (unless a request says store: false), so that answers can be asked "
                "for again, deleted, and gone on from by previous_response_id, whichever provider gave them.",
         .example = "off"}),
    field<&Responses::retention_days>(
        "retention_days", {.doc = "How long an answer is kept.", .example = "7", .unit = "days", .min = 1, .max = 3650}),
    field<&Responses::bytes_max>("bytes_max", {.doc = "Most that is kept, all answers together; the oldest make room.",
                                               .example = "10GiB",
                                               .unit = "bytes",
                                               .min = 1U << 20,
                                               .max = 1024 * gib,
                                               .apply = Apply::restart}),
};

constexpr Field fetch_fields[] = {
    field<&Fetch::urls>("urls",
                        {.doc = "Fetch pictures, sound and files that a request names by a URL, where its model's provider "
                                "wants their bytes. off: such requests are refused.",
                         .example = "off",
                         .env = "CARDEA_FETCH_URLS",
                         .also = "enabled,on"}),
    field<&Fetch::allow>("allow", {.doc = "Hosts, addresses and networks, each with :PORT or without, that may be fetched from "
                                          "although they are not public. Everybody with a key can make the gateway read there.",
                                   .example = "[files.internal, \"10.1.0.0/16\"]",
                                   .also = "allowed_hosts,allow_list,allowlist"}),
    field<&Fetch::bytes_max>("bytes_max", {.doc = "Largest file.",
                                           .example = "50MiB",
                                           .unit = "bytes",
                                           .also = "bytes,max_bytes,max_size",
                                           .min = 1024,
                                           .max = 2 * gib}),
    field<&Fetch::time>("time", {.doc = "Longest fetching of one file, redirects included.",
                                 .example = "30s",
                                 .also = "timeout",
                                 .min = 10,
                                 .max = hour_ms}),
    field<&Fetch::cache_bytes>("cache_bytes",
                               {.doc = "Most that each worker keeps, for as long as the files' servers allow; 0 is "
                                       "nothing.",
                                .example = "256MiB",
                                .unit = "bytes",
                                .also = "cache",
                                .max = 64 * gib}),
};

constexpr Field auth_fields[] = {
    field<&Auth::type>("type", {.doc = "How the key is sent: api_key as the dialect does it (or in `header`), bearer as "
                                       "Authorization: Bearer, header in `header`, none not at all; sigv4 signs as AWS wants it, "
                                       "google_service_account buys access tokens.",
                                .example = "bearer",
                                .also = "signer"}),
    field<&Auth::header>("header",
                         {.doc = "Name of the header that carries the key.", .example = "api-key", .also = "name,header_name"}),
    field<&Auth::value>("value", {.doc = "The key.", .example = "${SERVICE_KEY}", .also = "key,token,api_key,secret"}),
    field<&Auth::access_key>("access_key", {.doc = "Of sigv4: the id of the key; with none of the three, AWS_ACCESS_KEY_ID, "
                                                   "AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN count.",
                                            .example = "${TEAM_AWS_KEY_ID}",
                                            .also = "aws_access_key_id,access_key_id"}),
    field<&Auth::secret_key>(
        "secret_key",
        {.doc = "Of sigv4: the key itself.", .example = "${TEAM_AWS_SECRET}", .also = "aws_secret_access_key,secret_access_key"}),
    field<&Auth::session_token>(
        "session_token",
        {.doc = "Of sigv4: what comes with temporary keys.", .example = "${TEAM_AWS_TOKEN}", .also = "aws_session_token"}),
    field<&Auth::region>("region", {.doc = "Of sigv4, and {region} of an address; left out, AWS_REGION, AWS_DEFAULT_REGION, or "
                                           "what the address of an AWS service says.",
                                    .example = "eu-central-1",
                                    .also = "aws_region,aws_region_name"}),
    field<&Auth::service>(
        "service", {.doc = "Of sigv4: the service signed for; left out, bedrock.", .example = "bedrock", .also = "aws_service"}),
    field<&Auth::credentials>("credentials", {.doc = "Of google_service_account: the file with its JSON key, or the JSON itself; "
                                                     "left out, GOOGLE_APPLICATION_CREDENTIALS.",
                                              .example = "/etc/cardea/google.json",
                                              .also = "vertex_credentials,credentials_file,service_account"}),
    field<&Auth::project>("project", {.doc = "{project} of an address; left out, GOOGLE_CLOUD_PROJECT, or the project of the "
                                             "credentials.",
                                      .example = "my-project",
                                      .also = "project_id,vertex_project"}),
    field<&Auth::location>("location", {.doc = "{location} of an address; left out, GOOGLE_CLOUD_LOCATION, or global.",
                                        .example = "europe-west4",
                                        .also = "vertex_location"}),
};

constexpr Field rate_fields[] = {
    field<&RateLimit::qps>("qps", {.doc = "Requests per second; 0 is unlimited. Shown now, enforced by a later version.",
                                   .example = "10",
                                   .also = "rps",
                                   .max = 10'000'000}),
    field<&RateLimit::burst>("burst",
                             {.doc = "Requests that may come at once above the rate.", .example = "20", .max = 10'000'000}),
};

constexpr Field price_fields[] = {
    field<&Price::input>("input", {.doc = "Input tokens.", .example = "0.15", .unit = "USD per million"}),
    field<&Price::output>("output", {.doc = "Output tokens.", .example = "0.60", .unit = "USD per million"}),
    field<&Price::cache_read>("cache_read", {.doc = "Input tokens read from the provider's cache; left out, as input.",
                                             .example = "0.075",
                                             .unit = "USD per million"}),
    field<&Price::cache_write>("cache_write", {.doc = "Input tokens written to the provider's cache; left out, as input.",
                                               .example = "0.1875",
                                               .unit = "USD per million"}),
    field<&Price::reasoning>("reasoning",
                             {.doc = "Reasoning tokens; left out, as output.", .example = "0.60", .unit = "USD per million"}),
    field<&Price::audio_in>(
        "audio_in", {.doc = "Audio tokens of the input; left out, as input.", .example = "10", .unit = "USD per million"}),
    field<&Price::audio_out>(
        "audio_out", {.doc = "Audio tokens of the output; left out, as output.", .example = "20", .unit = "USD per million"}),
    field<&Price::image_in>("image_in", {.doc = "Image tokens of the input.", .example = "10", .unit = "USD per million"}),
    field<&Price::image_out>("image_out", {.doc = "Image tokens of the output.", .example = "40", .unit = "USD per million"}),
};

/// The facts of a model are written beside its name, not one level deeper.
template <auto Owner>
constexpr std::array facts_rows{
    field<Owner, &Facts::context>("context", {.doc = "Tokens a prompt and its answer may have together.",
                                              .example = "128000",
                                              .unit = "tokens",
                                              .also = "context_length,context_window,max_model_len",
                                              .min = 1}),
    field<Owner, &Facts::max_output>("max_output", {.doc = "Tokens an answer may have.",
                                                    .example = "16384",
                                                    .unit = "tokens",
                                                    .also = "max_tokens,max_output_tokens",
                                                    .min = 1}),
    field<Owner, &Facts::capabilities>(
        "capabilities",
        {.doc = "What the model can do. Of a model with such a list, images, audio, files and tools that it does not name are "
                "refused when a request is translated, and reasoning is left out; without one nothing is judged.",
         .example = "[vision, tools]"}),
    field<Owner, &Facts::price>("price", {.doc = "What it costs, in US dollars per million tokens.",
                                          .example = "{input: 0.15, output: 0.60}",
                                          .also = "pricing,cost"}),
    field<Owner, &Facts::as_of>("as_of", {.doc = "Date of these figures.", .example = "\"2026-07-02\""}),
    field<Owner, &Facts::source>("source", {.doc = "Where these figures were read.", .example = "https://example.com/pricing"}),
};

constexpr std::array provider_model_rows{
    field<&ProviderModel::id>(
        "id", {.doc = "The provider's own name of the model.", .example = "gpt-4o", .also = "name,model", .required = true}),
    field<&ProviderModel::type>("type",
                                {.doc = "What kind of model it is; llm when left out.", .example = "embedding", .also = "mode"}),
    field<&ProviderModel::dialect>(
        "dialect", {.doc = "Wire format of this one, when it is not served in its provider's.", .example = "openai_responses"}),
};
constexpr auto provider_model_fields = join(provider_model_rows, facts_rows<&ProviderModel::facts>);

constexpr Field quirks_fields[] = {
    field<&Quirks::max_tokens_field>(
        "max_tokens_field",
        {.doc = "The one name of the output limit this provider knows; the other is renamed to it.", .example = "max_tokens"}),
    field<&Quirks::stream_options>("stream_options",
                                   {.doc = "Off for a provider that refuses stream_options.", .example = "off"}),
    field<&Quirks::drop_fields>(
        "drop_fields", {.doc = "Top-level request fields this provider refuses; they are left out.", .example = "[logit_bias]"}),
    field<&Quirks::rename_fields>("rename_fields", {.doc = "Top-level request fields this provider knows under another name.",
                                                    .example = "{seed: random_seed}"}),
    field<&Quirks::set_fields>("set_fields", {.doc = "Top-level request fields this provider wants, with their text.",
                                              .example = "{anthropic_version: vertex-2023-10-16}"}),
};

constexpr Field provider_fields[] = {
    field<&Provider::extends>(
        "extends", {.doc = "A built-in provider to start from; left out, the built-in of the same name.", .example = "openai"}),
    field<&Provider::title>("title", {.doc = "Name shown to people.", .example = "OpenAI"}),
    field<&Provider::dialect>("dialect",
                              {.doc = "Wire format it speaks; openai, responses, google and other usual names are understood.",
                               .example = "anthropic",
                               .also = "format,api_type,api,wire_api"}),
    field<&Provider::base_url>(
        "base_url", {.doc = "Where its API begins, version included; a bare host gets the dialect's own path (/v1, /v1beta, "
                            "/v2), of a full …/chat/completions and the like the part before counts.",
                     .example = "https://api.openai.com/v1",
                     .also = "api_base,url,endpoint,base"}),
    field<&Provider::api_key>(
        "api_key",
        {.doc = "The key, in place of the variables of key_env.", .example = "${OPENAI_API_KEY}", .also = "key,token"}),
    field<&Provider::key_env>(
        "key_env", {.doc = "Environment variables that hold the key; the first one set wins.", .example = "[OPENAI_API_KEY]"}),
    field<&Provider::bearer_env>(
        "bearer_env", {.doc = "Environment variables that hold a token sent as Authorization: Bearer, whatever auth says.",
                       .example = "[ANTHROPIC_AUTH_TOKEN]"}),
    field<&Provider::auth>("auth",
                           {.doc = "How the key is sent.", .example = "{type: header, header: api-key}", .also = "signer"}),
    field<&Provider::headers>("headers", {.doc = "Headers sent with every request; an empty value leaves its header out.",
                                          .example = "{OpenAI-Organization: \"${OPENAI_ORG_ID:-}\"}",
                                          .also = "extra_headers"}),
    field<&Provider::quirks>("quirks", {.doc = "Where it deviates from its dialect.", .example = "{stream_options: off}"}),
    field<&Provider::chat_path>("chat_path", {.doc = "Where chats go below base_url, when not where the dialect says.",
                                              .example = "\"/models/{model}:rawPredict\""}),
    field<&Provider::stream_path>("stream_path", {.doc = "The same of streamed chats; left out, chat_path.",
                                                  .example = "\"/models/{model}:streamRawPredict\""}),
    field<&Provider::tasks>("tasks",
                            {.doc = "Forms in which it does work that is no chat, where its dialect does not say: embeddings, "
                                    "rerank, moderations or tokenize, each as openai, jina, cohere, tei, vertex, vllm or "
                                    "llamacpp have it; images as openai, gemini, imagen, stability, sdapi, comfyui or dashscope.",
                             .example = "{embeddings: tei, rerank: tei}"}),
    field<&Provider::probe>("probe", {.doc = "A local address asked at start whether this provider runs there.",
                                      .example = "http://127.0.0.1:11434"}),
    field<&Provider::order>(
        "order",
        {.doc = "Of several enabled providers that list the same plain model name, the one with the lowest order answers.",
         .example = "10",
         .max = 1000}),
    field<&Provider::docs>("docs", {.doc = "Where its API is described.", .example = "https://platform.openai.com/docs"}),
    field<&Provider::as_of>("as_of", {.doc = "Date of the models' figures.", .example = "\"2026-07-02\""}),
    field<&Provider::source>("source",
                             {.doc = "Where the models' figures were read.", .example = "https://openai.com/api/pricing"}),
    field<&Provider::models>("models", {.doc = "Models it is known to have. Others pass through by provider/name.",
                                        .example = "[{id: my-finetune}]",
                                        .also = "model_list"}),
};

constexpr std::array model_rows{
    field<&Model::name>("name", {.doc = "What clients call it. A name ending in * matches every name that begins so.",
                                 .example = "text-davinci-003",
                                 .also = "model_name,id",
                                 .required = true}),
    field<&Model::type>("type", {.doc = "What kind of model it is.", .example = "llm", .also = "mode,kind"}),
    field<&Model::endpoint>(
        "endpoint", {.doc = "Where it answers: a base URL (a bare host gets the dialect's own path, such as /v1) or a full one "
                            "ending as the dialect's chats do, such as /chat/completions.",
                     .example = "http://model-service:8080",
                     .also = "api_base,base_url,url"}),
    field<&Model::dialect>("dialect",
                           {.doc = "Wire format the endpoint speaks; left out, what the ending of a full endpoint says, "
                                   "else openai_chat. Of a model of a provider: another than the provider's.",
                            .example = "anthropic",
                            .also = "api,format,wire_api"}),
    field<&Model::api_key>("api_key", {.doc = "Short for auth.value.", .example = "${SERVICE_KEY}", .also = "key,token"}),
    field<&Model::auth>("auth", {.doc = "How the endpoint wants its key; left out, as its dialect does.",
                                 .example = "{type: api_key, value: \"${SERVICE_KEY}\"}"}),
    field<&Model::rate_limit>("rate_limit",
                              {.doc = "How much it may be asked.", .example = "{qps: 10, burst: 20}", .also = "rpm,limit"}),
    field<&Model::provider>("provider", {.doc = "Provider that serves it, in place of endpoint.", .example = "openai"}),
    field<&Model::upstream_model>(
        "upstream_model",
        {.doc = "Its name at the endpoint; left out, the same. Of a name ending in *, '*' sends what the star matched.",
         .example = "gpt-4o-mini",
         .also = "model,upstream,target"}),
    field<&Model::tasks>(
        "tasks", {.doc = "Forms in which it does work that is no chat, as for a provider.", .example = "{images: comfyui}"}),
    field<&Model::workflow>(
        "workflow",
        {.doc =
             "File with the graph that ComfyUI is to run for this model, as its 'Export (API)' writes it, with {{prompt}} where "
             "the prompt belongs; so too, or with what is usual as {{steps|20}}: negative_prompt, width, height, count, seed, "
             "steps, "
             "guidance, strength, model, checkpoint, and of edits image, image_2, image_3 and mask (base64). Left out, the "
             "standard "
             "graph, with the model's name as checkpoint.",
         .example = "poster.json"}),
};
constexpr auto model_fields = join(model_rows, facts_rows<&Model::facts>);

constexpr Field alias_fields[] = {
    field<&Alias::target>(
        "target",
        {.doc = "Model it stands for; 'provider/*' behind a name ending in * sends the asked name without its own provider/.",
         .example = "openai/gpt-4o-mini",
         .also = "model",
         .required = true}),
};

constexpr Field settings_fields[] = {
    field<&Settings::listen>("listen",
                             {.doc = "Where clients are awaited: HOST:PORT, [IPV6]:PORT, :PORT for all addresses, unix:/PATH. "
                                     "Other than loopback needs a key. PORT in the environment changes the port alone.",
                              .example = "[\"127.0.0.1:8080\"]",
                              .env = "CARDEA_LISTEN",
                              .also = "port,bind,address,host,addr",
                              .apply = Apply::restart}),
    field<&Settings::tls>("tls", {.doc = "HTTPS for clients.", .example = "{cert: tls.crt, key: tls.key}", .also = "ssl,https"}),
    field<&Settings::workers>("workers", {.doc = "Threads that serve; 0 is one per core.",
                                          .example = "2",
                                          .env = "CARDEA_WORKERS",
                                          .also = "threads,num_workers",
                                          .max = 1024,
                                          .apply = Apply::restart}),
    field<&Settings::data>(
        "data", {.doc = "Directory for what must outlive a restart; left out, $XDG_STATE_HOME/cardea or ~/.local/state/cardea.",
                 .example = "/var/lib/cardea",
                 .env = "CARDEA_DATA",
                 .also = "data_dir,directory",
                 .apply = Apply::restart}),
    field<&Settings::drain_seconds>("drain_seconds", {.doc = "How long running requests may go on after SIGTERM.",
                                                      .example = "30",
                                                      .unit = "seconds",
                                                      .env = "CARDEA_DRAIN_SECONDS",
                                                      .also = "shutdown_timeout,grace_period",
                                                      .max = 86'400}),
    field<&Settings::log>("log", {.doc = "Log lines on standard error. No content and no secret ever.",
                                  .example = "{format: json, level: info}",
                                  .also = "logging"}),
    field<&Settings::keys>("keys", {.doc = "Gateway keys clients must send one of; plain or with a name. API_KEY in the "
                                           "environment adds its comma-separated ones.",
                                    .example = "[\"${MY_KEY}\", {name: laptop, key: \"${LAPTOP_KEY}\"}]",
                                    .env = "CARDEA_API_KEY,API_KEY",
                                    .also = "api_keys,api_key"}),
    field<&Settings::organizations>("organizations", {.doc = "Organisations by id: the top of the tenancy.",
                                                      .example = "{acme: {budgets: [{amount: 1000, per: month}]}}",
                                                      .also = "orgs"}),
    field<&Settings::teams>("teams", {.doc = "Teams by id.", .example = "{research: {organization: acme}}"}),
    field<&Settings::projects>("projects",
                               {.doc = "Projects by id.", .example = "{search: {team: research, models: [\"openai/*\"]}}"}),
    field<&Settings::users>(
        "users", {.doc = "End users by id: they narrow what may be asked for those whom a request names (see docs/admin.md).",
                  .example = "{ann: {models: [openai/gpt-4o-mini]}}",
                  .also = "customers,end_users"}),
    field<&Settings::members>("members", {.doc = "Roles of those who come without a key of Cardea's (JWT, introspection, OIDC).",
                                          .example = "[{identity: ann@acme.example, role: admin, organization: acme}]"}),
    field<&Settings::jwt>("jwt", {.doc = "Issuers whose signed tokens (JWT) are taken as credentials.",
                                  .example = "[{issuer: \"https://login.acme.example\", audience: cardea, jwks: "
                                             "\"https://login.acme.example/jwks\", organization: acme}]",
                                  .also = "jwt_auth"}),
    field<&Settings::introspection>(
        "introspection", {.doc = "Servers that say what a token is worth which only they can read (RFC 7662); asked in "
                                 "this order.",
                          .example = "[{url: \"https://login.acme.example/introspect\", client_id: cardea, "
                                     "client_secret: \"${INTROSPECTION_SECRET}\"}]"}),
    field<&Settings::oidc>("oidc", {.doc = "Login of people with OpenID Connect.",
                                    .example = "{issuer: \"https://login.acme.example\", client_id: cardea, client_secret: "
                                               "\"${OIDC_SECRET}\", redirect_url: \"https://ai.acme.example/callback\"}",
                                    .also = "sso,login"}),
    field<&Settings::master_key>("master_key", {.doc = "What seals the secrets that are kept. Left out: systemd's credential "
                                                       "cardea-master-key, else a key made in the data directory. It is no key "
                                                       "for clients: those are keys (API_KEY).",
                                                .example = "{file: /etc/cardea/master.key}",
                                                .also = "salt_key,encryption_key"}),
    field<&Settings::allowed_origins>("allowed_origins",
                                      {.doc = "Web pages (origins) that may call from a browser; \"*\" is any.",
                                       .example = "[\"https://app.example.com\"]",
                                       .env = "CARDEA_ALLOWED_ORIGINS",
                                       .also = "cors,cors_origins"}),
    field<&Settings::allowed_hosts>("allowed_hosts", {.doc = "Host names clients may use beside the listen addresses.",
                                                      .example = "[ai.example.com]",
                                                      .env = "CARDEA_ALLOWED_HOSTS",
                                                      .also = "hosts"}),
    field<&Settings::trusted_proxies>(
        "trusted_proxies", {.doc = "Addresses and networks of proxies in front, and the word unix for those on a Unix socket: "
                                   "what they say in X-Forwarded-For or Forwarded counts as the client's address.",
                            .example = "[10.0.0.0/8]",
                            .also = "set_real_ip_from,trusted_ips"}),
    field<&Settings::allow_ips>("allow_ips", {.doc = "Client addresses and networks that may call, with whatever key; none: all.",
                                              .example = "[10.0.0.0/8, \"2001:db8::/32\"]"}),
    field<&Settings::deny_ips>("deny_ips",
                               {.doc = "Client addresses and networks that may not, whatever key.", .example = "[10.9.0.0/16]"}),
    field<&Settings::limits>("limits", {.doc = "How large things may be.", .example = "{body_bytes: 64MiB}"}),
    field<&Settings::timeouts>("timeouts", {.doc = "How long things may take. Written with a unit: 250ms, 5s, 2m, 1h.",
                                            .example = "{connect: 5s}",
                                            .also = "timeout"}),
    field<&Settings::upstream>("upstream", {.doc = "Connections to providers.", .example = "{idle_max: 64}"}),
    field<&Settings::metrics>("metrics", {.doc = "Prometheus metrics.", .example = "{enabled: on}", .also = "prometheus"}),
    field<&Settings::responses>(
        "responses", {.doc = "Stored responses of the Responses API, in the data directory.", .example = "{retention_days: 7}"}),
    field<&Settings::fetch>("fetch",
                            {.doc = "Files that requests name by a URL: through the egress guard, without any credential.",
                             .example = "{allow: [files.internal]}",
                             .also = "url_fetch,media"}),
    field<&Settings::passthrough>(
        "passthrough",
        {.doc = "Raw pass-through at /p/{provider}/…: it gives a key all that the provider's key may do. auto: on while "
                "there is at most one gateway key.",
         .example = "on",
         .env = "CARDEA_PASSTHROUGH"}),
    field<&Settings::discovery>("discovery", {.doc = "Look for Ollama, llama.cpp, LM Studio and vLLM on this machine at start.",
                                              .example = "off",
                                              .env = "CARDEA_DISCOVERY"}),
    field<&Settings::providers>("providers", {.doc = "Providers by name: changes to a built-in one, or new ones.",
                                              .example = "{openai: {api_key: \"${OPENAI_API_KEY}\"}}"}),
    field<&Settings::models>("models", {.doc = "The registry: models with their own endpoint or provider.",
                                        .example = "[{name: mine, endpoint: \"http://127.0.0.1:9000\"}]",
                                        .also = "model_list"}),
    field<&Settings::aliases>("aliases", {.doc = "Other names for models.",
                                          .example = "{fast: groq/llama-3.1-8b-instant}",
                                          .also = "model_alias,model_aliases,model_group_alias"}),
};

constexpr Table log_table = table<Log>("log", "Log lines", log_fields);
constexpr Table limits_table = table<Limits>("limits", "How large things may be", limit_fields);
constexpr Table timeouts_table = table<Timeouts>("timeouts", "How long things may take", timeout_fields);
constexpr Table upstream_table = table<Upstream>("upstream", "Connections to providers", upstream_fields);
constexpr Table metrics_table = table<Metrics>("metrics", "Prometheus metrics", metrics_fields);
constexpr Table responses_table = table<Responses>("responses", "Stored responses", responses_fields);
constexpr Table fetch_table = table<Fetch>("fetch", "Files by URL", fetch_fields);
constexpr Table auth_table = table<Auth>("auth", "How an upstream's key is sent", auth_fields);
constexpr Table rate_table = table<RateLimit>("rate_limit", "How much may be asked", rate_fields);
constexpr Table price_table = table<Price>("price", "US dollars per million tokens", price_fields);
constexpr Table provider_model_table =
    placed_table<ProviderModel>("provider_model", "A model of a provider", provider_model_fields, "id");
constexpr Table quirks_table = table<Quirks>("quirks", "Where a provider deviates from its dialect", quirks_fields);
constexpr Table provider_table = placed_table<Provider>("provider", "A provider as data", provider_fields);
constexpr Table model_table = placed_table<Model>("model", "A model of the registry", model_fields);
constexpr Table alias_table = placed_table<Alias>("alias", "Another name for a model", alias_fields, "target");
constexpr Table settings_table = table<Settings>("settings", "Cardea's configuration", settings_fields);

}  // namespace

template <>
const Table& table_of<Log>() {
  return log_table;
}
template <>
const Table& table_of<Limits>() {
  return limits_table;
}
template <>
const Table& table_of<Timeouts>() {
  return timeouts_table;
}
template <>
const Table& table_of<Upstream>() {
  return upstream_table;
}
template <>
const Table& table_of<Metrics>() {
  return metrics_table;
}
template <>
const Table& table_of<Responses>() {
  return responses_table;
}
template <>
const Table& table_of<Fetch>() {
  return fetch_table;
}
template <>
const Table& table_of<Auth>() {
  return auth_table;
}
template <>
const Table& table_of<RateLimit>() {
  return rate_table;
}
template <>
const Table& table_of<Price>() {
  return price_table;
}
template <>
const Table& table_of<ProviderModel>() {
  return provider_model_table;
}
template <>
const Table& table_of<Quirks>() {
  return quirks_table;
}
template <>
const Table& table_of<Provider>() {
  return provider_table;
}
template <>
const Table& table_of<Model>() {
  return model_table;
}
template <>
const Table& table_of<Alias>() {
  return alias_table;
}
template <>
const Table& table_of<Settings>() {
  return settings_table;
}

}  // namespace cardea::config
