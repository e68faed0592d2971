#pragma once
// Private to the room: what rerank formats share.

#include "dialect/raw.h"
#include "dialect/task.h"

namespace cardea::dialect {

/// `query`, `documents` and `top_n`, as Cohere and Jina have them.
Status read_question(const Raw& root, model::Rerank& out);
/// `id`, `results` and the search units that were billed, by the same.
Status read_ranking(const Raw& root, model::Reranked& out);

/// Strings, or objects with a text.
Status read_documents(const Raw& list, std::string_view path, std::vector<model::Document>& out);
/// "text", or {"text": …}; an object with more keeps all of itself.
[[nodiscard]] Result<model::Document> read_document(const Raw& value, const std::string& path);
/// The documents as texts; names what else is in them. Error: bad_request, one has no text.
[[nodiscard]] Result<std::vector<std::string>> document_texts(const model::Rerank& request, Losses& losses);
/// {index, score, document}, by the names that the format has.
Status read_results(const Raw& list, std::string_view path, std::string_view score, std::vector<model::Ranked>& out);

/// The best first, no more than wanted, with the documents when they are. Error: upstream_protocol, a result of a document that
/// is not there, or twice.
[[nodiscard]] Status fit_results(const model::Rerank& asked, model::Reranked& answer);

}  // namespace cardea::dialect
