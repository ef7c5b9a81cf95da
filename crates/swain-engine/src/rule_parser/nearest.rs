//! What is not in the subset, and what to write instead.

use sqlparser::ast::{BinaryOperator, Expr, Spanned};
use sqlparser::tokenizer::Span;

use super::{RuleError, refuse};

const SUBSET: &str = "a rule takes =, <>, <, >, IN (literals), IN (SELECT …), EXISTS (SELECT …), IS NULL, AND, OR, NOT over columns, literals, auth.id, auth.role and auth.claims.x";

/// Refuses an expression with the form that comes nearest to it.
pub(super) fn nearest_form(expression: &Expr) -> RuleError {
    let nearest = match expression {
        Expr::Like { .. } | Expr::ILike { .. } | Expr::SimilarTo { .. } | Expr::RLike { .. } => {
            "patterns are not in a rule; compare with = or IN, or keep what you look for in a column of its own"
        }
        Expr::Between { .. } => "write the two comparisons: x >= low AND x <= high",
        Expr::AnyOp { .. } | Expr::AllOp { .. } => "write IN (SELECT …) or IN (…)",
        Expr::IsTrue(_) | Expr::IsNotFalse(_) => "write x = true",
        Expr::IsFalse(_) | Expr::IsNotTrue(_) => "write x = false",
        Expr::IsDistinctFrom(..) | Expr::IsNotDistinctFrom(..) => "write =, <> and IS NULL",
        Expr::Cast { .. } => "leave the cast out: both sides need one type already",
        Expr::Case { .. } => "write the cases with AND and OR",
        Expr::Tuple(_) => "compare the columns one by one, with AND",
        Expr::JsonAccess { .. } => "a claim is written auth.claims.name; JSON is not looked into",
        Expr::Subquery(_) => "a SELECT stands behind IN or EXISTS: c IN (SELECT k FROM m WHERE u = auth.id)",
        Expr::BinaryOp { op: BinaryOperator::Arrow | BinaryOperator::LongArrow, .. } => {
            "a claim is written auth.claims.name; JSON is not looked into"
        }
        Expr::BinaryOp { .. } => "a rule does not compute; compare columns with =, <>, <, > or IN",
        Expr::Function(_) => "functions are not in a rule, except auth.uid() and auth.role(); use a column instead",
        _ => SUBSET,
    };
    pointed(expression, nearest)
}

/// At the word that is wrong, rather than where the whole begins.
fn pointed(expression: &Expr, message: &str) -> RuleError {
    let mut error = refuse(expression, message);
    if let Expr::Function(function) = expression {
        place(&mut error, function.name.span());
    }
    error
}

fn place(error: &mut RuleError, span: Span) {
    if span.start.line > 0 {
        (error.line, error.column) = (span.start.line, span.start.column);
    }
}
